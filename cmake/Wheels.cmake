# Imported targets wheel::torch and wheel::mlx straight from the site-packages of MLBENCH_PYTHON (or from
# MLBENCH_WHEEL_DIR, an unpacked tree). Not find_package(Torch) and find_package(MLX): their configs
# demand a CUDA toolkit, cuDNN and NCCL at configure time for the CUDA wheels. The workers only link.
if(MLBENCH_WHEEL_DIR)
  set(_site "${MLBENCH_WHEEL_DIR}")
else()
  set(_site "")
  if(EXISTS "${MLBENCH_PYTHON}")
    execute_process(COMMAND "${MLBENCH_PYTHON}" -c "import sysconfig; print(sysconfig.get_path('platlib'))"
      OUTPUT_VARIABLE _site OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()

function(_mlbench_wheel_version distribution out)
  set(${out} "" PARENT_SCOPE)
  file(GLOB info LIST_DIRECTORIES true "${_site}/${distribution}-*.dist-info")
  if(info)
    list(GET info 0 info)
    string(REGEX REPLACE ".*/${distribution}-(.*)\\.dist-info$" "\\1" version "${info}")
    set(${out} "${version}" PARENT_SCOPE)
  endif()
endfunction()

function(_mlbench_wheel_library target file)
  if(EXISTS "${file}")
    add_library(${target} SHARED IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${file}" IMPORTED_NO_SONAME OFF)
    if(APPLE)
      get_filename_component(name "${file}" NAME)
      set_target_properties(${target} PROPERTIES IMPORTED_SONAME "@rpath/${name}")
    endif()
  endif()
endfunction()

set(_so ${CMAKE_SHARED_LIBRARY_SUFFIX})
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  # CUDA wheels find libcuda, cuDNN and the like by their own rpaths, at run time.
  set(_wheel_link -Wl,--unresolved-symbols=ignore-in-shared-libs)
endif()

# A framework and its worker throw and free each other's objects, so both need one C++ library. A GCC that comes
# without a shared one links its own into the worker: std::call_once inside PyTorch then ended in a null pointer.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=libstdc++.so
    OUTPUT_VARIABLE _shared_cxx OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT IS_ABSOLUTE "${_shared_cxx}")
    find_library(MLBENCH_SHARED_CXX NAMES libstdc++.so.6)
    if(NOT MLBENCH_SHARED_CXX)
      message(FATAL_ERROR "${CMAKE_CXX_COMPILER} has no shared libstdc++, which the frameworks need: install one (libstdc++6) or another compiler")
    endif()
    set(_cxx_library "${MLBENCH_SHARED_CXX}")
  endif()
endif()

set(_torch "${_site}/torch")
if(_site AND EXISTS "${_torch}/lib/libtorch${_so}")
  add_library(wheel::torch INTERFACE IMPORTED GLOBAL)
  set_target_properties(wheel::torch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_torch}/include;${_torch}/include/torch/csrc/api/include")
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # Keeps libtorch_cuda, which registers its kernels when it is loaded and is called by no symbol.
    target_link_options(wheel::torch INTERFACE ${_wheel_link} -Wl,--no-as-needed)
  endif()
  target_link_libraries(wheel::torch INTERFACE ${_cxx_library})
  foreach(lib torch torch_cpu torch_cuda c10 c10_cuda)
    _mlbench_wheel_library(wheel::_${lib} "${_torch}/lib/lib${lib}${_so}")
    if(TARGET wheel::_${lib})
      target_link_libraries(wheel::torch INTERFACE wheel::_${lib})
    endif()
  endforeach()
  _mlbench_wheel_version(torch WHEEL_TORCH_VERSION)
endif()

set(_mlx "${_site}/mlx")
if(_site AND EXISTS "${_mlx}/lib/libmlx${_so}")
  add_library(wheel::mlx INTERFACE IMPORTED GLOBAL)
  set_target_properties(wheel::mlx PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_mlx}/include")
  _mlbench_wheel_library(wheel::_mlx "${_mlx}/lib/libmlx${_so}")
  target_link_options(wheel::mlx INTERFACE ${_wheel_link})
  target_link_libraries(wheel::mlx INTERFACE wheel::_mlx ${_cxx_library})
  _mlbench_wheel_version(mlx WHEEL_MLX_VERSION)
  _mlbench_wheel_version(mlx_cpu WHEEL_MLX_CPU_ONLY)  # the package that brought the library
endif()

# mlbench_want_worker(<name> <target> <version> <out>): decides AUTO/ON/OFF and prints one line.
function(mlbench_want_worker name target version out)
  string(TOUPPER ${name} upper)
  set(want "${MLBENCH_WORKER_${upper}}")
  set(${out} FALSE PARENT_SCOPE)
  if(want STREQUAL "OFF")
    message(STATUS "Worker ${name}: switched off")
  elseif(TARGET ${target})
    message(STATUS "Worker ${name}: ${version}")
    set(${out} TRUE PARENT_SCOPE)
  elseif(want STREQUAL "ON")
    message(FATAL_ERROR "Worker ${name}: no ${name} in the site-packages of ${MLBENCH_PYTHON}")
  else()
    message(STATUS "Worker ${name}: not built (no ${name} in the site-packages of ${MLBENCH_PYTHON})")
  endif()
endfunction()

# mlbench_framework_worker(<name> <framework target> [EXCLUDE <regex>]): everything in the current
# folder but main.cpp and the tests becomes a library of objects, so that the tests, and a second
# executable, link it whole.
function(mlbench_framework_worker name framework)
  cmake_parse_arguments(arg "" "EXCLUDE" "" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  mlbench_platform_filter(sources)
  if(arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${arg_EXCLUDE}")
  endif()
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  add_library(mlbench_${name}_backend OBJECT ${sources})
  target_link_libraries(mlbench_${name}_backend
    PUBLIC mlbench_worker_kit ${framework} PRIVATE mlbench_warnings)
  mlbench_add_worker(${name} main.cpp)
  target_link_libraries(mlbench-worker-${name} PRIVATE mlbench_${name}_backend)

  if(MLBENCH_BUILD_TESTS AND tests)
    add_executable(worker_${name}_test ${tests} "${PROJECT_SOURCE_DIR}/tests/doctest_main.cpp")
    target_link_libraries(worker_${name}_test
      PRIVATE mlbench_${name}_backend doctest::doctest mlbench_warnings)
    target_compile_definitions(worker_${name}_test PRIVATE
      MLBENCH_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
    add_test(NAME unit.worker_${name} COMMAND worker_${name}_test)
  endif()
endfunction()
