# mlbench_warnings: linked PRIVATE by our own targets only, never by third-party code.
add_library(mlbench_warnings INTERFACE)
target_compile_options(mlbench_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wimplicit-fallthrough -Wformat=2
  $<$<BOOL:${MLBENCH_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 warns about overlapping copies inside std::string's operator+ (GCC bug 105651).
  target_compile_options(mlbench_warnings INTERFACE -Wno-restrict)
endif()

string(TOUPPER "${CMAKE_BUILD_TYPE}" _build_type)
string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${_build_type}}" MLBENCH_BUILD_FLAGS)
configure_file("${PROJECT_SOURCE_DIR}/cmake/version.hpp.in"
               "${PROJECT_BINARY_DIR}/generated/mlbench_version.hpp" @ONLY)

# Files named for a platform are compiled on that platform only.
function(mlbench_platform_filter list)
  set(files ${${list}})
  if(APPLE)
    list(FILTER files EXCLUDE REGEX "_linux(_test)?\\.cpp$")
  else()
    list(FILTER files EXCLUDE REGEX "_macos(_test)?\\.cpp$")
  endif()
  set(${list} ${files} PARENT_SCOPE)
endfunction()

# mlbench_module(name DEPENDS ...)
#
# Builds src/<name>/*.cpp (except *_test.cpp and main.cpp) as the library mlbench::<name>, and
# src/<name>/*_test.cpp as the test binary <name>_test, which links that module and nothing else:
# a module that calls one it does not list fails to link its own tests.
function(mlbench_module name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  set(dir "${PROJECT_SOURCE_DIR}/src/${name}")
  file(GLOB sources CONFIGURE_DEPENDS "${dir}/*.cpp")
  mlbench_platform_filter(sources)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  add_library(mlbench_${name} STATIC ${sources})
  add_library(mlbench::${name} ALIAS mlbench_${name})
  target_include_directories(mlbench_${name} PUBLIC
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/generated")
  target_link_libraries(mlbench_${name} PUBLIC ${arg_DEPENDS} PRIVATE mlbench_warnings)

  if(MLBENCH_BUILD_TESTS AND tests)
    add_executable(${name}_test ${tests} "${PROJECT_SOURCE_DIR}/tests/doctest_main.cpp")
    target_link_libraries(${name}_test PRIVATE mlbench::${name} doctest::doctest mlbench_warnings)
    target_compile_definitions(${name}_test PRIVATE
      MLBENCH_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
    add_test(NAME unit.${name} COMMAND ${name}_test)
  endif()
endfunction()
