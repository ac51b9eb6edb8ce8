#pragma once

#include <mlx/device.h>

#include <optional>

namespace mlbench::mlx_worker {

namespace mx = ::mlx::core;

/// kit/device_spin.hpp on a GPU; nullopt on the CPU. Throws what MLX throws where its compiler does
/// not take the kernel.
[[nodiscard]] std::optional<double> device_spin_s(mx::Device device);

}  // namespace mlbench::mlx_worker
