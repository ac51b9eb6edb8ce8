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
