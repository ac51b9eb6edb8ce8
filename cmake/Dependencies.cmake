# Every third-party package of this project, in one place. A system copy (apt, Homebrew) is used when
# there is one; otherwise a release pinned by hash is downloaded. docs/dependencies.md gives the reasons.
include(FetchContent)
include(DependencyPins)
find_package(Threads REQUIRED)

# mlbench_header_library(<name> <target> <header> <find_package arguments...>)
#
# For header-only libraries. The archive's own CMake files are never run (SOURCE_SUBDIR names a folder
# that is not there), so no test, option or minimum version of theirs gets in the way.
function(mlbench_header_library name target header)
  FetchContent_Declare(${name} ${PIN_${name}} SOURCE_SUBDIR none FIND_PACKAGE_ARGS ${ARGN} QUIET)
  FetchContent_MakeAvailable(${name})
  if(${name}_FOUND)
    message(STATUS "Dependency ${name} ${${name}_VERSION}: system copy")
    return()
  endif()
  FetchContent_GetProperties(${name} SOURCE_DIR source)
  find_path(${name}_INCLUDE ${header} PATHS ${source}/include ${source}/single_include ${source}
    NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} INTERFACE ${${name}_INCLUDE})
  message(STATUS "Dependency ${name}: ${${name}_INCLUDE}")
endfunction()

mlbench_header_library(nlohmann_json nlohmann_json::nlohmann_json nlohmann/json.hpp 3.11)
mlbench_header_library(CLI11 CLI11::CLI11 CLI/CLI.hpp 2.1)
mlbench_header_library(fmt fmt::fmt-header-only fmt/format.h 9)
if(NOT fmt_FOUND)
  target_compile_definitions(fmt::fmt-header-only INTERFACE FMT_HEADER_ONLY=1)
endif()
if(MLBENCH_BUILD_TESTS)
  mlbench_header_library(doctest doctest::doctest doctest/doctest.h 2.4)
endif()

# yaml-cpp is compiled, so its own CMake files are run when it has to be downloaded.
set(YAML_CPP_BUILD_TESTS OFF)
set(YAML_CPP_BUILD_TOOLS OFF)
FetchContent_Declare(yaml-cpp ${PIN_yaml_cpp} FIND_PACKAGE_ARGS 0.7 QUIET)
FetchContent_MakeAvailable(yaml-cpp)
if(NOT yaml-cpp_FOUND)
  # Our warnings are not for its headers, as they are not for those of a system copy.
  get_target_property(_yaml_headers yaml-cpp INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(yaml-cpp PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_yaml_headers}")
endif()
add_library(mlbench_yaml INTERFACE)  # the target is called yaml-cpp::yaml-cpp from 0.8 on
if(TARGET yaml-cpp::yaml-cpp)
  target_link_libraries(mlbench_yaml INTERFACE yaml-cpp::yaml-cpp)
else()
  target_link_libraries(mlbench_yaml INTERFACE yaml-cpp)
endif()
