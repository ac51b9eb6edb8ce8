#include "torch/tensor.hpp"

#include "workload/input.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cstring>
#include <stdexcept>

namespace mlbench::torch_worker {
namespace {

workload::DType dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat: return workload::DType::float32;
    case at::kHalf: return workload::DType::float16;
    case at::kBFloat16: return workload::DType::bfloat16;
    case at::kDouble: return workload::DType::float64;
    case at::kInt: return workload::DType::int32;
    default: break;
  }
  throw std::runtime_error(std::string("the output has the unexpected dtype ") +
                           c10::toString(tensor.scalar_type()));
}

}  // namespace

at::ScalarType scalar_type(workload::DType dtype) {
  switch (dtype) {
    case workload::DType::float32: return at::kFloat;
    case workload::DType::float16: return at::kHalf;
    case workload::DType::bfloat16: return at::kBFloat16;
    case workload::DType::float64: return at::kDouble;
    case workload::DType::int32: return at::kInt;
  }
  return at::kFloat;
}

at::Tensor input_tensor(const workload::TensorSpec& spec, std::uint64_t seed, at::Device device) {
  const auto host = at::empty(spec.shape, at::TensorOptions().dtype(scalar_type(spec.dtype)));
  workload::fill_input(spec, seed, static_cast<std::byte*>(host.mutable_data_ptr()));
  return host.to(device);
}

at::Tensor output_tensor(const workload::TensorSpec& spec, at::Device device) {
  return at::zeros(spec.shape, at::TensorOptions().dtype(scalar_type(spec.dtype)).device(device));
}

workload::TensorData to_host(const at::Tensor& tensor) {
  const auto host = tensor.to(at::kCPU).contiguous();
  workload::TensorData data;
  data.shape = host.sizes().vec();
  data.dtype = dtype_of(host);
  data.bytes.resize(host.nbytes());
  std::memcpy(data.bytes.data(), host.const_data_ptr(), data.bytes.size());
  return data;
}

}  // namespace mlbench::torch_worker
