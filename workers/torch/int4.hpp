#pragma once

#include <ATen/core/Tensor.h>

namespace mlbench::torch_worker {

/// Weights of 4 bits as PyTorch's kernels want them: `codes` are int32 [rows, columns] of 0 .. 15
/// on the host, the result lies on `device`, for activations of `type`. Throws
/// c10::NotImplementedError where that device's kernel does not take the type or the number of
/// columns.
[[nodiscard]] at::Tensor pack_int4(const at::Tensor& codes, at::Device device, at::ScalarType type);

}  // namespace mlbench::torch_worker
