#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace mlbench::torch_worker {

/// kit/device_spin.hpp on a GPU; nullopt on the CPU and where this build has no such program.
[[nodiscard]] std::optional<double> device_spin_s(at::Device device);

}  // namespace mlbench::torch_worker
