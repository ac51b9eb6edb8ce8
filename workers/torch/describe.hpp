#pragma once

#include "core/json.hpp"

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

namespace mlbench::torch_worker {

/// "2.13.0", as the loaded library reports it.
[[nodiscard]] std::string framework_version();

/// The fields of Backend::describe, and "gpu_cores", "multiprocessors", "compute_capability",
/// "l2_bytes", "driver", "precision", "cpu_capability".
[[nodiscard]] Json describe(at::Device device);

/// The value of KEY in the "KEY=value, KEY=value" list of PyTorch's build settings; "" when absent.
[[nodiscard]] std::string build_setting(std::string_view config, std::string_view key);

}  // namespace mlbench::torch_worker
