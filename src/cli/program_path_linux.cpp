#include "cli/program_path.hpp"

namespace mlbench::cli {

std::filesystem::path program_path(const std::string& argv0) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::absolute(argv0, error) : self;
}

}  // namespace mlbench::cli
