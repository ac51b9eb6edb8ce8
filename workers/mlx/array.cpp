#include "mlx/array.hpp"

#include "workload/input.hpp"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <cstring>
#include <limits>
#include <stdexcept>

namespace mlbench::mlx_worker {
namespace {

workload::DType dtype_of(const mx::array& array) {
  switch (array.dtype().val()) {
    case mx::Dtype::Val::float32: return workload::DType::float32;
    case mx::Dtype::Val::float16: return workload::DType::float16;
    case mx::Dtype::Val::bfloat16: return workload::DType::bfloat16;
    case mx::Dtype::Val::float64: return workload::DType::float64;
    case mx::Dtype::Val::int32: return workload::DType::int32;
    default: break;
  }
  throw std::runtime_error("the output has an unexpected dtype");
}

/// Copies `bytes`, elements of type T, into an array of MLX's own allocator.
template <class T>
mx::array copy_in(const std::vector<std::byte>& bytes, mx::Shape shape, mx::Dtype dtype) {
  return mx::array(reinterpret_cast<const T*>(bytes.data()), std::move(shape), dtype);
}

mx::array host_array(const std::vector<std::byte>& bytes, const mx::Shape& shape,
                     workload::DType dtype) {
  switch (dtype) {
    case workload::DType::float32: return copy_in<float>(bytes, shape, mx::float32);
    case workload::DType::float16: return copy_in<mx::float16_t>(bytes, shape, mx::float16);
    case workload::DType::bfloat16: return copy_in<mx::bfloat16_t>(bytes, shape, mx::bfloat16);
    case workload::DType::float64: return copy_in<double>(bytes, shape, mx::float64);
    case workload::DType::int32: return copy_in<std::int32_t>(bytes, shape, mx::int32);
  }
  return mx::array(0.0F);
}

}  // namespace

mx::Dtype mlx_dtype(workload::DType dtype) {
  switch (dtype) {
    case workload::DType::float32: return mx::float32;
    case workload::DType::float16: return mx::float16;
    case workload::DType::bfloat16: return mx::bfloat16;
    case workload::DType::float64: return mx::float64;
    case workload::DType::int32: return mx::int32;
  }
  return mx::float32;
}

mx::Shape mlx_shape(const std::vector<std::int64_t>& shape) {
  mx::Shape result;
  for (const auto extent : shape) {
    if (extent > std::numeric_limits<mx::ShapeElem>::max()) {
      throw std::invalid_argument("MLX holds at most 2147483647 elements in one dimension");
    }
    result.push_back(static_cast<mx::ShapeElem>(extent));
  }
  return result;
}

mx::array input_array(const workload::TensorSpec& spec, std::uint64_t seed, mx::Device device) {
  const auto bytes = workload::input_bytes(spec, seed);
  mx::array host = host_array(bytes, mlx_shape(spec.shape), spec.dtype);
  if (device == mx::Device::cpu) return host;
  // Multiplying by one is exact. `host` is still held, so its buffer cannot become the output's.
  mx::array on_device = mx::multiply(host, mx::array(1, host.dtype()), device);
  mx::eval(on_device);
  return on_device;
}

workload::TensorData to_host(const mx::array& array) {
  mx::array rows = mx::contiguous(array);
  mx::eval(rows);
  workload::TensorData data;
  for (const auto extent : rows.shape()) data.shape.push_back(extent);
  data.dtype = dtype_of(rows);
  data.bytes.resize(rows.nbytes());
  std::memcpy(data.bytes.data(), rows.data<char>(), data.bytes.size());
  return data;
}

}  // namespace mlbench::mlx_worker
