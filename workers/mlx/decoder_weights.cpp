#include "mlx/array.hpp"
#include "mlx/decoder_ops.hpp"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <stdexcept>

/// Weights from a checkpoint into MLX's own memory, on its default device.
namespace mlbench::mlx_worker {
namespace {

using Tensor = DecoderOps::Tensor;
using model::HostTensor;
using model::Storage;
using model::StoredLinear;

template <class T>
mx::array copy_in(const HostTensor& t, mx::Dtype dtype) {
  return mx::array(reinterpret_cast<const T*>(t.data), mlx_shape(t.shape), dtype);
}

mx::array copied(const HostTensor& t) {
  switch (t.storage) {
    case Storage::F64: return copy_in<double>(t, mx::float64);
    case Storage::F32: return copy_in<float>(t, mx::float32);
    case Storage::F16: return copy_in<mx::float16_t>(t, mx::float16);
    case Storage::BF16: return copy_in<mx::bfloat16_t>(t, mx::bfloat16);
    case Storage::U32: return copy_in<std::uint32_t>(t, mx::uint32);
    case Storage::U8: return copy_in<std::uint8_t>(t, mx::uint8);
    default: break;
  }
  throw std::runtime_error("MLX has no kernel for a tensor of this checkpoint's dtype");
}

/// Written by the device: an array made on the host would stay in host memory on CUDA. `host` is
/// held meanwhile, so its buffer cannot become the output's.
mx::array on_device(const mx::array& host) {
  if (mx::default_device() == mx::Device::cpu) return host;
  const bool whole = host.dtype() == mx::uint32 || host.dtype() == mx::uint8;
  mx::array made = whole ? mx::bitwise_or(host, mx::array(0, host.dtype()))
                         : mx::multiply(host, mx::array(1.0F, host.dtype()));
  mx::eval(made);
  return made;
}

}  // namespace

mx::array DecoderOps::to_device(const HostTensor& t) {
  mx::array host = copied(t);
  mx::array made = host.dtype() == dtype_ ? on_device(host) : mx::astype(host, dtype_);
  mx::eval(made);
  weight_bytes_ += static_cast<std::int64_t>(made.nbytes());
  return made;
}

Tensor DecoderOps::activations(const HostTensor& t) const {
  mx::array host = copied(t);
  mx::array made = host.dtype() == dtype_ ? on_device(host) : mx::astype(host, dtype_);
  mx::eval(made);
  return Tensor(made);
}

mx::array DecoderOps::packed_to_device(const HostTensor& t) {
  mx::array made = on_device(copied(t));
  weight_bytes_ += static_cast<std::int64_t>(made.nbytes());
  return made;
}

DecoderOps::Matrix DecoderOps::matrix(const StoredLinear& l) {
  Matrix m;
  if (!l.scales) {
    m.weight = to_device(l.weight);
    return m;
  }
  if (l.weight.storage != Storage::U32)
    throw std::runtime_error("MLX has no kernel for int8 weights with one scale a row");
  m.weight = packed_to_device(l.weight);
  m.bits = static_cast<int>(l.weight.shape[1] * 32 / l.columns);
  m.group = static_cast<int>(l.columns / l.scales->shape[1]);
  if (l.scales->storage == Storage::U8) {
    m.scales = packed_to_device(*l.scales);
    m.mode = m.group == 16 ? "nvfp4" : (m.bits == 8 ? "mxfp8" : "mxfp4");
  } else {
    m.scales = to_device(*l.scales);
    if (l.offsets) m.offsets = to_device(*l.offsets);
  }
  return m;
}

DecoderOps::Linear DecoderOps::linear(const StoredLinear& l) {
  Linear made{.matrix = matrix(l), .bias = {}};
  if (l.bias) made.bias = to_device(*l.bias);
  return made;
}

DecoderOps::Linear DecoderOps::dense_linear(const StoredLinear& l) {
  return linear(l);
}

DecoderOps::Embedding DecoderOps::embedding(const StoredLinear& l, bool serves_as_head) {
  static_cast<void>(serves_as_head);
  return linear(l);
}

DecoderOps::Experts DecoderOps::experts(const std::vector<model::StoredMlp>& list) {
  const auto stacked = [&](const auto& pick) {
    std::vector<Linear> all;
    for (const auto& e : list) all.push_back(linear(pick(e)));
    const auto stack = [&](const auto& part) -> std::optional<mx::array> {
      std::vector<mx::array> parts;
      for (const auto& l : all) {
        if (const std::optional<mx::array>& a = part(l)) parts.push_back(*a);
      }
      if (parts.empty()) return std::nullopt;
      mx::array whole = mx::stack(parts);
      mx::eval(whole);
      return whole;
    };
    Linear made = all.front();
    made.matrix.weight = stack([](const Linear& l) { return l.matrix.weight; });
    made.matrix.scales = stack([](const Linear& l) { return l.matrix.scales; });
    made.matrix.offsets = stack([](const Linear& l) { return l.matrix.offsets; });
    made.bias = stack([](const Linear& l) { return l.bias; });
    return made;
  };
  return {.gate = stacked([](const model::StoredMlp& e) -> const StoredLinear& { return *e.gate; }),
          .up = stacked([](const model::StoredMlp& e) -> const StoredLinear& { return e.up; }),
          .down = stacked([](const model::StoredMlp& e) -> const StoredLinear& { return e.down; })};
}

DecoderOps::RopeTable DecoderOps::rope_table(const model::RopeTable& table, std::int64_t context) {
  static_cast<void>(context);
  std::vector<float> wavelengths;
  for (const float f : table.inverse_frequencies) wavelengths.push_back(1 / f);
  mx::array made(wavelengths.data(), {static_cast<int>(wavelengths.size())}, mx::float32);
  return {.wavelengths = on_device(made),
          .dims = static_cast<int>(table.dims()),
          .attention_factor = static_cast<float>(table.attention_factor)};
}

}  // namespace mlbench::mlx_worker
