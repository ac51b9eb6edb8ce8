#pragma once

#include "core/error.hpp"

#include <mlx/array.h>
#include <mlx/device.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlbench::mlx_worker {

namespace mx = ::mlx::core;

/// "cpu", and "gpu" where MLX has one (Metal or CUDA).
[[nodiscard]] std::vector<std::string> device_names();

/// Errors: `unsupported` when there is no such device.
[[nodiscard]] Result<mx::Device> find_device(const std::string& name);

/// Returns when `device` has nothing left to do.
void synchronize(mx::Device device);

/// What is left of the working set that Metal recommends (beyond it macOS swaps or stops); empty on
/// other devices.
[[nodiscard]] std::optional<std::int64_t> device_available_bytes(mx::Device device);

// Fields of mx::device_info; nullopt when `device` does not tell.
[[nodiscard]] std::optional<std::string> device_text(mx::Device device, const std::string& key);
[[nodiscard]] std::optional<std::int64_t> device_number(mx::Device device, const std::string& key);

}  // namespace mlbench::mlx_worker
