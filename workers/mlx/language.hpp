#pragma once

#include "kit/backend.hpp"
#include "mlx/device.hpp"

namespace mlbench::mlx_worker {

/// A kernel for prefill, decode or block. Errors: `unsupported` where MLX has no kernel for the
/// kind of quantised weights, and those of the weights.
[[nodiscard]] Result<std::unique_ptr<kit::Kernel>> make_language_kernel(const workload::Case& c,
                                                                        mx::Device device,
                                                                        std::uint64_t seed);

}  // namespace mlbench::mlx_worker
