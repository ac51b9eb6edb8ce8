#pragma once

#include "mlx/device.hpp"

#include <string>

namespace mlbench::mlx_worker {

/// Whether mx::compile makes fused kernels for `device` here. On the CPU it runs g++ (clang++ on
/// macOS) when it meets a new function, and goes on unfused in silence where there is none.
[[nodiscard]] bool can_fuse(mx::Device device);

/// The reason when can_fuse() is false.
[[nodiscard]] std::string why_not_fused();

/// Whether a program called `name` is in one of the folders of `path` (as in PATH).
[[nodiscard]] bool is_on_path(const std::string& name, const std::string& path);

}  // namespace mlbench::mlx_worker
