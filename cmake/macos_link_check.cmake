# Toolchain of tools/mac_link_check: arm64 macOS 14 from Linux, with the clang, the headers and the linker of
# the ziglang package (MLBENCH_ZIG names its folder). There is no Apple SDK (no Metal, IOKit, Accelerate) and
# nothing that is built runs here: it proves that everything compiles and that every symbol is found.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_VERSION 23)  # macOS 14
set(CMAKE_SYSTEM_PROCESSOR arm64)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MLBENCH_ZIG)

# Zig's own settings for its libc++, but with Apple's availability: what the libc++ of macOS 14 lacks becomes
# an error. Nothing is optimised: that costs time, and drops calls that ought to link.
set(_lib "${MLBENCH_ZIG}/lib")
string(JOIN " " _compile_flags
  -target arm64-apple-macosx14.0.0 -nostdinc -nostdinc++
  -isystem '${_lib}/libcxx/include' -isystem '${_lib}/libcxxabi/include'
  -isystem '${_lib}/include' -isystem '${_lib}/libc/include/any-darwin-any'
  -D_LIBCPP_ABI_VERSION=1 -D_LIBCPP_ABI_NAMESPACE=__1 -D_LIBCPP_HAS_THREADS=1 -D_LIBCPP_HAS_MONOTONIC_CLOCK
  -D_LIBCPP_HAS_TERMINAL -D_LIBCPP_HAS_MUSL_LIBC=0 -D_LIBCPP_HAS_FILESYSTEM=1 -D_LIBCPP_HAS_RANDOM_DEVICE
  -D_LIBCPP_HAS_LOCALIZATION -D_LIBCPP_HAS_UNICODE -D_LIBCPP_HAS_WIDE_CHARACTERS
  -D_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS -D_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS
  -D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=1 -D_LIBCPP_PSTL_BACKEND_SERIAL
  -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE
  -D_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=_LIBCPP_ASSERTION_SEMANTIC_IGNORE -O0 -g0)

# CMake wants one file for each tool. clang compiles, and zig links, because it knows the system's libraries.
# This clang is newer than Apple's, and warns about the counter in doctest's macros.
set(_bin "${CMAKE_BINARY_DIR}/zig-tools")
file(CONFIGURE OUTPUT "${_bin}/clang++" @ONLY CONTENT [=[
#!/bin/sh
for argument in "$@"; do
  case $argument in -c | -E) exec '@MLBENCH_ZIG@/zig' clang --driver-mode=g++ --no-default-config @_compile_flags@ "$@" -Wno-c2y-extensions ;; esac
done
exec '@MLBENCH_ZIG@/zig' c++ -target aarch64-macos.14.0 "$@"
]=])
foreach(tool ar ranlib)
  file(CONFIGURE OUTPUT "${_bin}/${tool}" @ONLY CONTENT "#!/bin/sh\nexec '@MLBENCH_ZIG@/zig' ${tool} \"$@\"\n")
endforeach()
file(CHMOD "${_bin}/clang++" "${_bin}/ar" "${_bin}/ranlib" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
set(CMAKE_CXX_COMPILER "${_bin}/clang++")
set(CMAKE_AR "${_bin}/ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${_bin}/ranlib" CACHE FILEPATH "")
set(CMAKE_INSTALL_NAME_TOOL /bin/true CACHE FILEPATH "")  # rpaths are given to the linker
# CMake asks sw_vers for this flag, which is not here.
file(CONFIGURE OUTPUT "${_bin}/rules.cmake" CONTENT
  "set(CMAKE_SHARED_LIBRARY_RUNTIME_C_FLAG \"-Wl,-rpath,\")\nset(CMAKE_SHARED_LIBRARY_RUNTIME_CXX_FLAG \"-Wl,-rpath,\")\n")
set(CMAKE_USER_MAKE_RULES_OVERRIDE "${_bin}/rules.cmake")
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "")

# Packages of the machine that builds must not be found.
set(CMAKE_FIND_ROOT_PATH "${CMAKE_BINARY_DIR}/no-such-root")
foreach(kind PACKAGE LIBRARY INCLUDE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
