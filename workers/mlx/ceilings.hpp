#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "mlx/device.hpp"

namespace mlbench::mlx_worker {

/// What a GPU can do at most, by kernels of our own that MLX compiles and runs: copy and
/// triad over several working sets, and multiply-adds on registers and on matrix units. What a
/// kernel computes is checked; one that this GPU does not take, or that is wrong, has no ceiling.
/// No kernel is begun after `budget_s`. The reply to the probe "ceilings", as
/// workers/native/ceilings.hpp describes it; threads are null.
///
/// Errors: `unsupported` on a CPU, whose ceilings the native worker measures.
[[nodiscard]] Result<Json> measure_gpu_ceilings(mx::Device device, double budget_s);

}  // namespace mlbench::mlx_worker
