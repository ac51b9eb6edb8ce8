#pragma once

#include "core/json.hpp"
#include "mlx/device.hpp"
#include "mlx/settings.hpp"

namespace mlbench::mlx_worker {

[[nodiscard]] std::string framework_version();

/// The fields of Backend::describe, and "architecture", "memory_settings", "fused_kernels"; on CUDA
/// "multiprocessors", "compute_capability", "l2_bytes", "driver" too.
[[nodiscard]] Json describe(mx::Device device, const MemorySettings& settings);

}  // namespace mlbench::mlx_worker
