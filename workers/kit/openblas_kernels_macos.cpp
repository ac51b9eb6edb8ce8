#include "kit/openblas_kernels.hpp"

namespace mlbench::kit {

// MLX and the native worker call Accelerate here.
std::optional<std::string> better_openblas_kernels(const std::optional<std::string>&) {
  return std::nullopt;
}

void insist_on_openblas_kernels(const std::optional<std::string>&) {}

std::optional<std::string> replaced_openblas_kernels() {
  return std::nullopt;
}

}  // namespace mlbench::kit
