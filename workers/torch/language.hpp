#pragma once

#include "kit/backend.hpp"

#include <ATen/core/Tensor.h>

namespace mlbench::torch_worker {

/// A kernel for prefill, decode or block. Errors: `unsupported` where PyTorch has no kernel for the
/// kind of quantised weights, and those of the weights.
[[nodiscard]] Result<std::unique_ptr<kit::Kernel>> make_language_kernel(const workload::Case& c,
                                                                        at::Device device,
                                                                        std::uint64_t seed);

}  // namespace mlbench::torch_worker
