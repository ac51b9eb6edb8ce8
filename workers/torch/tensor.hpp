#pragma once

#include "workload/workload.hpp"

#include <ATen/core/Tensor.h>

namespace mlbench::torch_worker {

[[nodiscard]] at::ScalarType scalar_type(workload::DType dtype);

/// The input that `spec` and `seed` define, on `device`, every page written by the device (or, on
/// the CPU, by PyTorch's own threads).
[[nodiscard]] at::Tensor input_tensor(const workload::TensorSpec& spec, std::uint64_t seed,
                                      at::Device device);

/// An output of the shape and dtype of `spec`, filled so that every page is touched.
[[nodiscard]] at::Tensor output_tensor(const workload::TensorSpec& spec, at::Device device);

/// Shape, dtype and bytes as PyTorch reports them. Throws when no case has such a dtype.
[[nodiscard]] workload::TensorData to_host(const at::Tensor& tensor);

}  // namespace mlbench::torch_worker
