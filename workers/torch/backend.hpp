#pragma once

#include "kit/backend.hpp"

/// The PyTorch worker, through ATen's C++ interface: the same kernels that Python calls.
namespace mlbench::torch_worker {

/// Sets the process-wide precision (see precision.hpp) and returns the backend.
[[nodiscard]] std::unique_ptr<kit::Backend> make_backend();

}  // namespace mlbench::torch_worker
