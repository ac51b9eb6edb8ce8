#pragma once

#include "mlx/device.hpp"
#include "workload/workload.hpp"

#include <mlx/array.h>

namespace mlbench::mlx_worker {

[[nodiscard]] mx::Dtype mlx_dtype(workload::DType dtype);
[[nodiscard]] mx::Shape mlx_shape(const std::vector<std::int64_t>& shape);

/// The input that `spec` and `seed` define, evaluated, in memory of MLX's own allocator. On a GPU
/// it is written by the GPU: an array made on the host would stay in host memory there.
[[nodiscard]] mx::array input_array(const workload::TensorSpec& spec, std::uint64_t seed,
                                    mx::Device device);

/// Shape, dtype and bytes as MLX reports them. Throws when no case has such a dtype.
[[nodiscard]] workload::TensorData to_host(const mx::array& array);

}  // namespace mlbench::mlx_worker
