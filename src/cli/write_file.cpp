#include "cli/write_file.hpp"

#include <fstream>

namespace mlbench::cli {

Status write_file(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    return fail(ErrorKind::io, path.string() + ": cannot be written; choose another place");
  return Done{};
}

}  // namespace mlbench::cli
