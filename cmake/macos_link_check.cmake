# Toolchain of tools/mac_link_check: arm64 macOS 14 from Linux, with the clang and libc++ of the ziglang
# package. There is no Apple SDK (no Metal, IOKit, Accelerate) and nothing that is built runs here; it
# proves that everything compiles and that every symbol is found. Configure with MLBENCH_ZIG (the program).
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_VERSION 23)  # macOS 14
set(CMAKE_SYSTEM_PROCESSOR arm64)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MLBENCH_ZIG)

# CMake wants one file for each tool. Zig turns on the undefined-behaviour sanitizer unless told otherwise.
set(_bin "${CMAKE_BINARY_DIR}/zig-tools")
foreach(tool c++ ar ranlib)
  set(arguments ${tool})
  if(tool STREQUAL "c++")
    set(arguments "c++ -target aarch64-macos.14.0 -fno-sanitize=undefined")
  endif()
  file(CONFIGURE OUTPUT "${_bin}/${tool}" CONTENT "#!/bin/sh\nexec '@MLBENCH_ZIG@' @arguments@ \"$@\"\n" @ONLY)
  file(CHMOD "${_bin}/${tool}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()
set(CMAKE_CXX_COMPILER "${_bin}/c++")
set(CMAKE_AR "${_bin}/ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${_bin}/ranlib" CACHE FILEPATH "")
set(CMAKE_INSTALL_NAME_TOOL /bin/true CACHE FILEPATH "")  # rpaths are given to the linker
# CMake asks sw_vers for this flag, which is not here.
file(CONFIGURE OUTPUT "${_bin}/rules.cmake"
  CONTENT "set(CMAKE_SHARED_LIBRARY_RUNTIME_CXX_FLAG \"-Wl,-rpath,\")\nset(CMAKE_SHARED_LIBRARY_RUNTIME_C_FLAG \"-Wl,-rpath,\")\n")
set(CMAKE_USER_MAKE_RULES_OVERRIDE "${_bin}/rules.cmake")
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "")

# What Apple's libc++ of macOS 14 lacks becomes an error. doctest 2.4.9 forgets <cfloat>, which newer
# libc++ no longer brings along, and newest clang warns about its counter. Not optimised: it costs time, and keeps calls that an optimiser drops.
set(CMAKE_CXX_FLAGS_INIT "-O0 -include cfloat -Wno-c2y-extensions -Wno-macro-redefined -U_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS -D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=1")

# Packages of the machine that builds must not be found.
set(CMAKE_FIND_ROOT_PATH "${CMAKE_BINARY_DIR}/no-such-root")
foreach(kind PACKAGE LIBRARY INCLUDE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
