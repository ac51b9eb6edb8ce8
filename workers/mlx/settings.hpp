#pragma once

#include "core/json.hpp"

namespace mlbench::mlx_worker {

/// Sets MLX_ENABLE_TF32=0 unless the user set it: float32 means float32 on every device. MLX reads
/// the variable once, so this is the first thing that main() does.
void set_environment();

/// Limits of MLX's allocator that this process set, which change results.
struct MemorySettings {
  std::size_t cache_limit_bytes = 0;
  std::size_t wired_limit_bytes = 0;  ///< 0: nothing is wired (there is no Metal).
};

/// Freed buffers are kept for reuse up to a quarter of MLX's memory limit, and at least 2 GiB: with
/// the CPU's default of 32 MB each larger output would be returned to the system and its pages
/// faulted in again. On Metal the recommended working set is wired, as MLX's own LLM tools do.
MemorySettings set_memory_limits();

[[nodiscard]] Json to_json(const MemorySettings& settings);

}  // namespace mlbench::mlx_worker
