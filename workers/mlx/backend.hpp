#pragma once

#include "kit/backend.hpp"

/// The MLX worker: CPU, Metal and CUDA through one source; which of them exists is decided by the
/// MLX package that the build links.
namespace mlbench::mlx_worker {

/// Sets MLX's memory limits (see settings.hpp) and returns the backend.
[[nodiscard]] std::unique_ptr<kit::Backend> make_backend();

}  // namespace mlbench::mlx_worker
