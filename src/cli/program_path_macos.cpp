#include "cli/program_path.hpp"

#include <mach-o/dyld.h>

namespace mlbench::cli {

std::filesystem::path program_path(const std::string& argv0) {
  std::error_code error;
  std::uint32_t size = 0;
  _NSGetExecutablePath(nullptr, &size);  // tells the size it needs
  std::string buffer(size, '\0');
  if (_NSGetExecutablePath(buffer.data(), &size) != 0)
    return std::filesystem::absolute(argv0, error);
  const auto path = std::filesystem::canonical(buffer.c_str(), error);
  return error ? std::filesystem::path(buffer.c_str()) : path;
}

}  // namespace mlbench::cli
