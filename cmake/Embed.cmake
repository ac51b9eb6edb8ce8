# mlbench_embed(file name): makes generated/<file's name with _ for .>.hpp, which holds the text of `file` as
# the string_view mlbench::machine::k<name>.
function(mlbench_embed file name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" MLBENCH_TEXT)
  set(MLBENCH_NAME ${name})
  get_filename_component(base "${file}" NAME)
  string(REPLACE "." "_" base "${base}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/embedded.hpp.in" "${PROJECT_BINARY_DIR}/generated/${base}.hpp" @ONLY)
endfunction()

# mlbench_embed_cpp(target namespace name file...): adds to `target` a source that defines the string_view
# mlbench::<namespace>::<name>, which holds the text of the files, one after the other.
function(mlbench_embed_cpp target namespace name)
  set(MLBENCH_TEXT "")
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" part)
    string(REGEX REPLACE "//# sourceMappingURL=[^\n]*" "" part "${part}")  # names a file that the page has not
    string(APPEND MLBENCH_TEXT "${part}")
  endforeach()
  set(MLBENCH_NAMESPACE ${namespace})
  set(MLBENCH_NAME ${name})
  set(source "${PROJECT_BINARY_DIR}/generated/embedded_${name}.cpp")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/embedded.cpp.in" "${source}" @ONLY)
  target_sources(${target} PRIVATE "${source}")
endfunction()
