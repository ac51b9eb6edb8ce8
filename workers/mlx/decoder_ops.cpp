#include "mlx/decoder_ops.hpp"

#include "mlx/array.hpp"

#include <mlx/fast.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <cmath>
#include <limits>

namespace mlbench::mlx_worker {
namespace {

using Tensor = DecoderOps::Tensor;
using Activation = model::Maths::Activation;

int narrow(std::int64_t n) {
  return static_cast<int>(n);
}

/// A number of x's own dtype: one of float32 would make everything after it float32.
mx::array like(const mx::array& x, double value) {
  return mx::array(static_cast<float>(value), x.dtype());
}

/// x [.., k] times the transposed weight.
mx::array product(const mx::array& x, const DecoderOps::Matrix& m) {
  if (m.scales)
    return mx::quantized_matmul(x, *m.weight, *m.scales, m.offsets, true, m.group, m.bits, m.mode);
  return mx::matmul(x, mx::transpose(*m.weight));
}

/// MLX has a global scale among the arguments from 0.32 on.
template <class Array>
Array gathered_product(const Array& x, const DecoderOps::Matrix& m, const Array& experts,
                       bool sorted) {
  constexpr bool kHasGlobalScale = requires {
    mx::gather_qmm(x, *m.weight, *m.scales, m.offsets, std::optional<Array>{}, experts, true,
                   m.group, m.bits, m.mode, std::nullopt, sorted);
  };
  if constexpr (kHasGlobalScale) {
    return mx::gather_qmm(x, *m.weight, *m.scales, m.offsets, std::nullopt, experts, true, m.group,
                          m.bits, m.mode, std::nullopt, sorted);
  } else {
    return mx::gather_qmm(x, *m.weight, *m.scales, m.offsets, std::nullopt, experts, true, m.group,
                          m.bits, m.mode, sorted);
  }
}

/// x [.., 1, k] times the weight of the expert that `experts` names for each row.
mx::array chosen_product(const mx::array& x, const DecoderOps::Linear& l, const mx::array& experts,
                         bool sorted) {
  const auto& m = l.matrix;
  mx::array y =
      m.scales ? gathered_product(x, m, experts, sorted)
               : mx::gather_mm(x, mx::swapaxes(*m.weight, -1, -2), std::nullopt, experts, sorted);
  if (!l.bias) return y;
  return mx::add(y, mx::expand_dims(mx::take(*l.bias, experts, 0), -2));
}

mx::array activated(const mx::array& x, const model::Maths& m) {
  switch (m.activation) {
    case Activation::silu: return mx::multiply(x, mx::sigmoid(x));
    case Activation::gelu: {
      const auto erf = mx::erf(mx::multiply(x, like(x, 1 / std::sqrt(2.0))));
      return mx::multiply(mx::multiply(x, mx::add(erf, like(x, 1))), like(x, 0.5));
    }
    case Activation::gelu_tanh: {
      const auto cube = mx::multiply(mx::multiply(x, x), x);
      const auto inner = mx::multiply(mx::add(x, mx::multiply(cube, like(x, 0.044715))),
                                      like(x, std::sqrt(2 / 3.14159265358979323846)));
      return mx::multiply(mx::multiply(x, mx::add(mx::tanh(inner), like(x, 1))), like(x, 0.5));
    }
    case Activation::clamped_swiglu: {
      const auto g = mx::minimum(x, like(x, m.swiglu_limit));
      return mx::multiply(g, mx::sigmoid(mx::multiply(g, like(x, m.swiglu_alpha))));
    }
  }
  return x;
}

mx::array gated(const mx::array& gate, const mx::array& up, const model::Maths& m) {
  if (m.activation != Activation::clamped_swiglu) return mx::multiply(activated(gate, m), up);
  const auto clamped = mx::clip(up, like(up, -m.swiglu_limit), like(up, m.swiglu_limit));
  return mx::multiply(activated(gate, m), mx::add(clamped, like(up, 1)));
}

/// Which keys a query may see, for attention that is not fused.
std::optional<mx::array> allowed(const DecoderOps::Mask& mask) {
  if (mask.allowed) return mask.allowed;
  if (mask.mode != "causal") return std::nullopt;
  const auto rows =
      mx::expand_dims(mx::arange(narrow(mask.keys - mask.queries), narrow(mask.keys)), 1);
  return mx::greater_equal(rows, mx::arange(narrow(mask.keys)));
}

mx::array unfused_attention(const mx::array& q, const mx::array& k, const mx::array& v,
                            const DecoderOps::Attention& how) {
  const int batch = q.shape(0), heads = q.shape(1), count = q.shape(2), d = q.shape(3);
  const int kv_heads = k.shape(1), group = heads / kv_heads;
  const auto grouped =
      mx::reshape(mx::multiply(q, like(q, how.scale)), {batch, kv_heads, group, count, d});
  auto logits = mx::matmul(grouped, mx::expand_dims(mx::swapaxes(k, -1, -2), 2));
  if (how.softcap)
    logits =
        mx::multiply(mx::tanh(mx::divide(logits, like(q, *how.softcap))), like(q, *how.softcap));
  if (const auto seen = allowed(*how.mask))
    logits = mx::where(*seen, logits, like(q, -std::numeric_limits<double>::infinity()));
  const auto weights = mx::softmax(logits, -1, /*precise=*/true);
  return mx::reshape(mx::matmul(weights, mx::expand_dims(v, 2)), {batch, heads, count, d});
}

struct Routing {
  mx::array experts, weights;  ///< [.., chosen]
};

Routing route(const mx::array& logits, const model::Spec& spec) {
  const int n = narrow(spec.shape.experts), k = narrow(spec.shape.experts_per_token);
  const bool late = spec.maths.softmax_over_chosen;
  const auto scores = late ? logits : mx::softmax(logits, -1, /*precise=*/true);
  const auto order = mx::argpartition(scores, n - k, -1);
  auto start = mx::Shape(order.ndim(), 0), stop = order.shape();
  start.back() = n - k;
  const auto best = mx::slice(order, start, stop);
  auto weights = mx::take_along_axis(scores, best, -1);
  if (late) return {best, mx::softmax(weights, -1, /*precise=*/true)};
  if (spec.maths.normalise_chosen) weights = mx::divide(weights, mx::sum(weights, -1, true));
  return {best, weights};
}

}  // namespace

DecoderOps::DecoderOps(workload::DType dtype, mx::Device device)
    : dtype_(mlx_dtype(dtype)), device_(device) {}

DecoderOps::Ids DecoderOps::ids(std::int64_t batch, const std::vector<std::int32_t>& values) {
  const int count = narrow(static_cast<std::int64_t>(values.size()) / batch);
  return {mx::array(values.data(), {narrow(batch), count}, mx::int32)};
}

DecoderOps::Ids DecoderOps::likeliest(const Tensor& logits) {
  return {mx::astype(mx::argmax(*logits, -1), mx::int32)};
}

std::vector<double> DecoderOps::numbers(const Tensor& x) {
  mx::array host = mx::contiguous(mx::astype(*x, mx::float32));
  mx::eval(host);
  const auto* data = host.data<float>();
  return {data, data + host.size()};
}

/// Waits for `ids` alone. Any operation on them here would wait for what was submitted after them:
/// the next token, when the host is one ahead.
std::vector<std::int32_t> DecoderOps::numbers(const Ids& ids) {
  mx::array host = ids.value;
  host.eval();
  const auto* data = host.data<std::int32_t>();
  return {data, data + host.size()};
}

DecoderOps::Cache DecoderOps::cache(std::int64_t batch, std::int64_t heads, std::int64_t capacity,
                                    std::int64_t head_dim) const {
  const auto shape = mlx_shape({batch, heads, capacity, head_dim});
  Cache made{.keys = mx::zeros(shape, dtype_), .values = mx::zeros(shape, dtype_)};
  mx::eval(made.keys, made.values);
  return made;
}

DecoderOps::Mask DecoderOps::mask(const model::Visibility& v) {
  Mask made{.mode = "", .allowed = {}, .queries = v.queries, .keys = v.keys};
  if (v.kind == model::Visibility::Kind::causal) made.mode = "causal";
  if (v.kind == model::Visibility::Kind::listed) {
    made.mode = "array";
    std::vector<std::uint8_t> bytes = v.allowed;
    made.allowed = mx::astype(
        mx::array(bytes.data(), {narrow(v.queries), narrow(v.keys)}, mx::uint8), mx::bool_);
  }
  return made;
}

Tensor DecoderOps::embed(const Embedding& e, const Ids& ids) {
  const auto& m = e.matrix;
  const auto rows = mx::take(*m.weight, ids.value, 0);
  if (!m.scales) return Tensor(rows);
  std::optional<mx::array> offsets;
  if (m.offsets) offsets = mx::take(*m.offsets, ids.value, 0);
  return Tensor(
      mx::dequantize(rows, mx::take(*m.scales, ids.value, 0), offsets, m.group, m.bits, m.mode));
}

Tensor DecoderOps::linear(const Tensor& x, const Linear& l) {
  if (!l.bias) return Tensor(product(*x, l.matrix));
  if (l.matrix.scales) return Tensor(mx::add(product(*x, l.matrix), *l.bias));
  return Tensor(mx::addmm(*l.bias, *x, mx::transpose(*l.matrix.weight)));
}

Tensor DecoderOps::rms_norm(const Tensor& x, const Tensor& weight, double epsilon) {
  return Tensor(mx::fast::rms_norm(*x, *weight, static_cast<float>(epsilon)));
}

Tensor DecoderOps::layer_norm(const Tensor& x, const Tensor& weight,
                              const std::optional<Tensor>& bias, double epsilon) {
  std::optional<mx::array> b;
  if (bias) b = **bias;
  return Tensor(mx::fast::layer_norm(*x, *weight, b, static_cast<float>(epsilon)));
}

Tensor DecoderOps::add(Tensor a, Tensor b) {
  return Tensor(mx::add(*a, *b));
}

Tensor DecoderOps::scale(Tensor x, double factor) {
  return Tensor(mx::multiply(*x, like(*x, factor)));
}

Tensor DecoderOps::softcap(Tensor x, double cap) {
  return Tensor(mx::multiply(mx::tanh(mx::divide(*x, like(*x, cap))), like(*x, cap)));
}

Tensor DecoderOps::columns(const Tensor& x, std::int64_t first, std::int64_t count) {
  auto start = mx::Shape(x->ndim(), 0), stop = x->shape();
  start.back() = narrow(first), stop.back() = narrow(first + count);
  return Tensor(mx::slice(*x, start, stop));
}

Tensor DecoderOps::split_heads(Tensor x, std::int64_t heads) {
  const auto split = mx::reshape(*x, {x->shape(0), x->shape(1), narrow(heads), -1});
  return Tensor(mx::transpose(split, {0, 2, 1, 3}));
}

Tensor DecoderOps::merge_heads(Tensor x) {
  const auto swapped = mx::transpose(*x, {0, 2, 1, 3});
  return Tensor(mx::reshape(swapped, {x->shape(0), x->shape(2), -1}));
}

Tensor DecoderOps::rope(Tensor x, const RopeTable& table, std::int64_t position) {
  mx::array turned = *x;
  if (table.attention_factor != 1) {
    const int d = x->shape(3);
    std::vector<float> factors(static_cast<std::size_t>(d), 1);
    std::fill_n(factors.begin(), table.dims, table.attention_factor);
    turned =
        mx::multiply(turned, mx::astype(mx::array(factors.data(), {d}, mx::float32), x->dtype()));
  }
  return Tensor(mx::fast::rope(turned, table.dims, /*traditional=*/false, std::nullopt, 1.0F,
                               narrow(position), table.wavelengths));
}

void DecoderOps::write(Cache& cache, std::int64_t slot, Tensor keys, Tensor values) {
  // The old array is held by the graph alone once it is replaced here, so MLX writes in place.
  const auto put = [&](mx::array& whole, const mx::array& part) {
    const mx::Shape start = {0, 0, narrow(slot), 0};
    const mx::Shape stop = {part.shape(0), part.shape(1), narrow(slot) + part.shape(2),
                            part.shape(3)};
    whole = mx::slice_update(whole, part, start, stop);
  };
  put(cache.keys, *keys), put(cache.values, *values);
}

std::pair<Tensor, Tensor> DecoderOps::read(const Cache& cache, std::int64_t count) {
  auto stop = cache.keys.shape();
  stop[2] = narrow(count);
  return {Tensor(mx::slice(cache.keys, {0, 0, 0, 0}, stop)),
          Tensor(mx::slice(cache.values, {0, 0, 0, 0}, stop))};
}

Tensor DecoderOps::tokens(const Tensor& x, std::int64_t first, std::int64_t count) {
  auto stop = x->shape();
  stop[2] = narrow(first + count);
  return Tensor(mx::slice(*x, {0, 0, narrow(first), 0}, stop));
}

Tensor DecoderOps::join(Tensor a, const Tensor& b) {
  return Tensor(mx::concatenate({*a, *b}, 2));
}

Tensor DecoderOps::attention(Tensor q, Tensor k, Tensor v, const Attention& how) {
  if (how.softcap) return Tensor(unfused_attention(*q, *k, *v, how));
  std::optional<mx::array> sinks;
  if (how.sinks != nullptr) sinks = **how.sinks;
  return Tensor(mx::fast::scaled_dot_product_attention(*q, *k, *v, static_cast<float>(how.scale),
                                                       how.mask->mode, how.mask->allowed, sinks));
}

Tensor DecoderOps::gate(Tensor gate, Tensor up, const model::Maths& maths) {
  return Tensor(gated(*gate, *up, maths));
}

Tensor DecoderOps::activate(Tensor x, const model::Maths& maths) {
  return Tensor(activated(*x, maths));
}

Tensor DecoderOps::times_sigmoid(Tensor x, Tensor g) {
  return Tensor(mx::multiply(*x, mx::sigmoid(*g)));
}

/// As mlx-lm's SwitchGLU: rows of many tokens are sorted by expert, so that an expert's weights are
/// read once.
Tensor DecoderOps::mixture(const Tensor& x, Tensor router, const Experts& experts,
                           const model::Spec& spec) {
  const auto routing = route(*router, spec);
  const int hidden = x->shape(2), k = narrow(spec.shape.experts_per_token);
  const bool sorted = routing.experts.size() >= 64;
  auto chosen = routing.experts;
  auto rows = mx::expand_dims(*x, {-2, -3});
  mx::array back = chosen;
  if (sorted) {
    const auto flat = mx::flatten(chosen);
    const auto order = mx::argsort(flat);
    back = mx::argsort(order);
    rows = mx::take(mx::reshape(*x, {-1, 1, hidden}),
                    mx::floor_divide(order, mx::array(k, order.dtype())), 0);
    chosen = mx::take(flat, order);
  }
  const auto inner = gated(chosen_product(rows, experts.gate, chosen, sorted),
                           chosen_product(rows, experts.up, chosen, sorted), spec.maths);
  auto y = chosen_product(inner, experts.down, chosen, sorted);
  if (sorted) y = mx::take(mx::reshape(y, {-1, hidden}), back, 0);
  y = mx::reshape(y, {x->shape(0), x->shape(1), k, hidden});
  const auto weights = mx::expand_dims(mx::astype(routing.weights, x->dtype()), -1);
  return Tensor(mx::sum(mx::multiply(y, weights), -2));
}

Tensor DecoderOps::last_token(Tensor x) {
  auto start = mx::Shape{0, x->shape(1) - 1, 0};
  return Tensor(mx::slice(*x, start, x->shape()));
}

void DecoderOps::commit(const std::vector<const Tensor*>& outputs) {
  std::vector<mx::array> arrays;
  for (const Tensor* t : outputs) arrays.push_back(**t);
  mx::eval(arrays);
}

}  // namespace mlbench::mlx_worker
