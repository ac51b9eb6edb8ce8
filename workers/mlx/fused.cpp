#include "mlx/fused.hpp"

#include "core/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace mlbench::mlx_worker {
namespace {

bool is_disabled() {
  return std::getenv("MLX_DISABLE_COMPILE") != nullptr;
}

bool has_compiler() {
  const char* path = std::getenv("PATH");
  return path != nullptr && is_on_path("g++", path);
}

}  // namespace

bool is_on_path(const std::string& name, const std::string& path) {
  const auto folders = split(path, ':');
  return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) {
    return !folder.empty() && access((std::string(folder) + "/" + name).c_str(), X_OK) == 0;
  });
}

bool can_fuse(mx::Device device) {
  return !is_disabled() && (device == mx::Device::gpu || has_compiler());
}

std::string why_not_fused() {
  return is_disabled() ? "MLX_DISABLE_COMPILE is set"
                       : "mx::compile needs g++ at run time on the CPU, and there is none on PATH";
}

}  // namespace mlbench::mlx_worker
