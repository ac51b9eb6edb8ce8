#include "model/reference_ops.hpp"
#include "torch/decoder_ops.hpp"
#include "torch/int4.hpp"
#include "torch/tensor.hpp"

#include <ATen/ATen.h>

#include <stdexcept>

/// Weights from a checkpoint to the device, in the form that PyTorch's kernels want.
namespace mlbench::torch_worker {
namespace {

using model::HostTensor;
using model::Storage;
using model::StoredLinear;

at::ScalarType scalar_type(Storage storage) {
  switch (storage) {
    case Storage::F64: return at::kDouble;
    case Storage::F32: return at::kFloat;
    case Storage::F16: return at::kHalf;
    case Storage::BF16: return at::kBFloat16;
    case Storage::I8: return at::kChar;
    case Storage::U8: return at::kByte;
    case Storage::I32: return at::kInt;
    case Storage::U32: return at::kInt;  // the same bits; only unpacked below
    default: break;
  }
  throw std::runtime_error("a tensor of the checkpoint has an unexpected dtype");
}

/// The checkpoint's own memory, which the tensor keeps alive.
at::Tensor view(const HostTensor& t) {
  auto* owner = new std::shared_ptr<const void>(t.owner);
  return at::for_blob(const_cast<std::byte*>(t.data), t.shape)
      .options(at::TensorOptions().dtype(scalar_type(t.storage)))
      .context(owner, [](void* p) { delete static_cast<std::shared_ptr<const void>*>(p); })
      .make_tensor();
}

/// The 4-bit numbers of a packed matrix, int32 [rows, columns] in 0 .. 15.
at::Tensor unpacked(const StoredLinear& l) {
  const at::Tensor words = view(l.weight);
  const at::Tensor shifts = at::arange(0, 32, 4, at::kInt);
  return words.unsqueeze(-1).bitwise_right_shift(shifts).bitwise_and(15).reshape(
      {l.rows, l.columns});
}

at::Tensor dequantised(const StoredLinear& l) {
  auto values = at::empty({l.rows, l.columns}, at::kFloat);
  for (std::int64_t r = 0; r < l.rows; ++r)
    model::read_row(l, r, values.mutable_data_ptr<float>() + r * l.columns);
  return values;
}

}  // namespace

at::Tensor DecoderOps::to_device(const HostTensor& t) {
  auto tensor = view(t).to(device_, type_);
  weight_bytes_ += static_cast<std::int64_t>(tensor.nbytes());
  return tensor;
}

DecoderOps::Tensor DecoderOps::activations(const HostTensor& t) const {
  return Tensor(view(t).to(device_, type_));
}

void DecoderOps::count(const Linear& l) {
  weight_bytes_ += static_cast<std::int64_t>(l.weight.nbytes());
  if (l.scales.defined()) weight_bytes_ += static_cast<std::int64_t>(l.scales.nbytes());
}

DecoderOps::Linear DecoderOps::quantised(const StoredLinear& l) {
  Linear made;
  if (l.weight.storage == Storage::I8) {
    made.kind = Linear::Kind::int8;
    made.weight = view(l.weight).to(device_);
    made.scales = view(*l.scales).to(device_, type_);
    count(made);
    return made;
  }
  const auto bits = l.weight.shape[1] * 32 / l.columns;
  made.group = l.columns / l.scales->shape[1];
  if (bits != 4 || !l.offsets)
    throw std::runtime_error("PyTorch has no kernel for weights of " + std::to_string(bits) +
                             " bits in groups");
  made.kind = Linear::Kind::int4;
  made.weight = pack_int4(unpacked(l), device_, type_);
  // MLX: scale·q + offset. PyTorch: scale·(q - 8) + zero.
  const auto scales = view(*l.scales).to(at::kFloat), offsets = view(*l.offsets).to(at::kFloat);
  made.scales =
      at::stack({scales, offsets + scales * 8}, -1).transpose(0, 1).contiguous().to(device_, type_);
  count(made);
  return made;
}

DecoderOps::Linear DecoderOps::linear(const StoredLinear& l) {
  Linear made;
  if (l.scales)
    made = quantised(l);
  else
    made.weight = to_device(l.weight);
  if (l.bias) made.bias = to_device(*l.bias);
  return made;
}

DecoderOps::Linear DecoderOps::dense_linear(const StoredLinear& l) {
  Linear made;
  if (l.scales) {
    made.weight = dequantised(l).to(device_, type_);
    count(made);
  } else {
    made.weight = to_device(l.weight);
  }
  if (l.bias) made.bias = to_device(*l.bias);
  return made;
}

DecoderOps::Embedding DecoderOps::embedding(const StoredLinear& l, bool serves_as_head) {
  Embedding made;
  made.table = dense_linear(l).weight;
  if (serves_as_head && l.scales) made.head = quantised(l);
  return made;
}

DecoderOps::Experts DecoderOps::experts(const std::vector<StoredMlp>& list) {
  Experts made;
  for (const auto& e : list) made.list.push_back({linear(*e.gate), linear(e.up), linear(e.down)});
  return made;
}

DecoderOps::RopeTable DecoderOps::rope_table(const model::RopeTable& table,
                                             std::int64_t context) const {
  const auto frequencies = at::tensor(table.inverse_frequencies);
  const auto angles = at::outer(at::arange(context, at::kFloat), frequencies);
  return {(angles.cos() * table.attention_factor).to(device_, type_),
          (angles.sin() * table.attention_factor).to(device_, type_)};
}

}  // namespace mlbench::torch_worker
