#include "torch/decoder_ops.hpp"

#include "torch/tensor.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <limits>

namespace mlbench::torch_worker {
namespace {

using Tensor = DecoderOps::Tensor;
using Activation = model::Maths::Activation;

/// Matrix products, softmax, matrix product: for what the fused kernels do not know.
at::Tensor unfused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const DecoderOps::Attention& how) {
  const auto batch = q.size(0), heads = q.size(1), count = q.size(2), d = q.size(3);
  const auto kv_heads = k.size(1), keys = k.size(2), group = heads / kv_heads;
  const auto grouped = (q * how.scale).reshape({batch, kv_heads, group, count, d});
  auto logits = at::matmul(grouped, k.unsqueeze(2).transpose(-1, -2)).to(at::kFloat);
  if (how.softcap) logits = logits.div_(*how.softcap).tanh_().mul_(*how.softcap);
  auto allowed = how.mask->allowed;
  if (how.mask->causal) allowed = at::ones({count, keys}, q.options().dtype(at::kBool)).tril();
  if (allowed.defined())
    logits.masked_fill_(allowed.logical_not(), -std::numeric_limits<float>::infinity());
  if (how.sinks != nullptr) {
    const auto sinks = how.sinks->value.to(at::kFloat)
                           .reshape({1, kv_heads, group, 1, 1})
                           .expand({batch, kv_heads, group, count, 1});
    logits = at::cat({logits, sinks}, -1);
  }
  auto weights = logits.softmax(-1);
  if (how.sinks != nullptr) weights = weights.narrow(-1, 0, keys);
  return at::matmul(weights.to(v.scalar_type()), v.unsqueeze(2)).reshape({batch, heads, count, d});
}

/// Keeps PyTorch from giving attention to cuDNN, which makes a plan for each new number of keys:
/// 45 to 70 ms on an H200 (PyTorch 2.11), where the kernel takes 0.03. When tokens are written one
/// by one, every step has a new number; a measurement that repeats its steps would not see it.
class WithoutPlans {
 public:
  explicit WithoutPlans(bool wanted)
      : restore_(wanted && at::globalContext().userEnabledCuDNNSDP()) {
    if (restore_) at::globalContext().setSDPUseCuDNN(false);
  }
  ~WithoutPlans() {
    if (restore_) at::globalContext().setSDPUseCuDNN(true);
  }
  WithoutPlans(const WithoutPlans&) = delete;
  WithoutPlans& operator=(const WithoutPlans&) = delete;

 private:
  bool restore_;
};

at::Tensor activated(at::Tensor x, const model::Maths& m) {
  switch (m.activation) {
    case Activation::silu: return at::silu_(x);
    case Activation::gelu: return at::gelu(x, "none");
    case Activation::gelu_tanh: return at::gelu(x, "tanh");
    case Activation::clamped_swiglu: {
      x = x.clamp_max(m.swiglu_limit);
      return x * at::sigmoid(x * m.swiglu_alpha);
    }
  }
  return x;
}

at::Tensor multiplied(const at::Tensor& x, const DecoderOps::Linear& l) {
  using Kind = DecoderOps::Linear::Kind;
  if (l.kind == Kind::dense) return at::linear(x, l.weight, l.bias);
  const auto rows = x.reshape({-1, x.size(-1)});
  at::Tensor y;
  if (l.kind == Kind::int8)
    y = at::_weight_int8pack_mm(rows, l.weight, l.scales);
  else if (x.is_cpu())
    y = at::_weight_int4pack_mm_for_cpu(rows, l.weight, l.group, l.scales);
  else
    y = at::_weight_int4pack_mm(rows, l.weight, l.group, l.scales);
  if (l.bias.defined()) y = y + l.bias;
  auto shape = x.sizes().vec();
  shape.back() = y.size(-1);
  return y.reshape(shape);
}

at::Tensor gated(const at::Tensor& gate, at::Tensor up, const model::Maths& m) {
  if (m.activation == Activation::clamped_swiglu)
    return (up.clamp(-m.swiglu_limit, m.swiglu_limit) + 1).mul_(activated(gate, m));
  return activated(gate, m).mul_(up);
}

struct Routing {
  at::Tensor experts, weights;  ///< [tokens, chosen]
};

Routing route(const at::Tensor& logits, const model::Spec& spec) {
  const auto k = spec.shape.experts_per_token;
  const auto scores = logits.to(at::kFloat);
  if (spec.maths.softmax_over_chosen) {
    auto [best, experts] = scores.topk(k, -1);
    return {experts, best.softmax(-1)};
  }
  auto [best, experts] = scores.softmax(-1).topk(k, -1);
  if (spec.maths.normalise_chosen) best = best / best.sum(-1, true);
  return {experts, best};
}

}  // namespace

DecoderOps::DecoderOps(at::Device device, workload::DType dtype)
    : device_(device), type_(torch_worker::scalar_type(dtype)) {}

DecoderOps::Ids DecoderOps::ids(std::int64_t batch, const std::vector<std::int32_t>& values) const {
  return {at::tensor(values).to(at::kLong).reshape({batch, -1}).to(device_)};
}

DecoderOps::Ids DecoderOps::likeliest(const Tensor& logits) {
  return {logits.value.argmax(-1)};
}

std::vector<double> DecoderOps::numbers(const Tensor& x) {
  const auto host = x.value.to(at::kCPU, at::kDouble).contiguous();
  const auto* data = host.const_data_ptr<double>();
  return {data, data + host.numel()};
}

std::vector<std::int32_t> DecoderOps::numbers(const Ids& ids) {
  const auto host = ids.value.to(at::kCPU, at::kInt).contiguous();
  const auto* data = host.const_data_ptr<std::int32_t>();
  return {data, data + host.numel()};
}

DecoderOps::Cache DecoderOps::cache(std::int64_t batch, std::int64_t heads, std::int64_t capacity,
                                    std::int64_t head_dim) const {
  const auto options = at::TensorOptions().device(device_).dtype(type_);
  const std::vector<std::int64_t> shape = {batch, heads, capacity, head_dim};
  return {at::zeros(shape, options), at::zeros(shape, options)};
}

DecoderOps::Mask DecoderOps::mask(const model::Visibility& v) const {
  using Kind = model::Visibility::Kind;
  if (v.kind == Kind::all) return {};
  // is_causal counts from the top left, so it is right for a square only.
  if (v.kind == Kind::causal && v.queries == v.keys) return {.causal = true, .allowed = {}};
  const auto options = at::TensorOptions().dtype(at::kBool).device(device_);
  if (v.kind == Kind::causal)
    return {.causal = false,
            .allowed = at::ones({v.queries, v.keys}, options).tril(v.keys - v.queries)};
  const auto host = at::tensor(v.allowed).to(at::kBool).reshape({v.queries, v.keys});
  return {.causal = false, .allowed = host.to(device_)};
}

Tensor DecoderOps::embed(const Embedding& e, const Ids& ids) {
  return Tensor(at::embedding(e.table, ids.value));
}

Tensor DecoderOps::unembed(const Tensor& x, const Embedding& e) {
  if (e.head.weight.defined()) return linear(x, e.head);
  return Tensor(at::linear(x.value, e.table));
}

Tensor DecoderOps::linear(const Tensor& x, const Linear& l) {
  return Tensor(multiplied(x.value, l));
}

Tensor DecoderOps::rms_norm(const Tensor& x, const Tensor& weight, double epsilon) {
  return Tensor(at::rms_norm(x.value, {x.value.size(-1)}, weight.value, epsilon));
}

Tensor DecoderOps::layer_norm(const Tensor& x, const Tensor& weight,
                              const std::optional<Tensor>& bias, double epsilon) {
  std::optional<at::Tensor> b;
  if (bias) b = bias->value;
  return Tensor(at::layer_norm(x.value, {x.value.size(-1)}, weight.value, b, epsilon));
}

Tensor DecoderOps::add(Tensor a, Tensor b) {
  return Tensor(b.value.add_(a.value));
}

Tensor DecoderOps::scale(Tensor x, double factor) {
  return Tensor(x.value * factor);
}

Tensor DecoderOps::softcap(Tensor x, double cap) {
  return Tensor(x.value.div_(cap).tanh_().mul_(cap));
}

Tensor DecoderOps::columns(const Tensor& x, std::int64_t first, std::int64_t count) {
  return Tensor(x.value.narrow(-1, first, count));
}

Tensor DecoderOps::split_heads(Tensor x, std::int64_t heads) {
  const auto d = x.value.size(2) / heads;
  return Tensor(x.value.unflatten(-1, {heads, d}).transpose(1, 2));
}

Tensor DecoderOps::merge_heads(Tensor x) {
  return Tensor(x.value.transpose(1, 2).flatten(2));
}

Tensor DecoderOps::rope(Tensor x, const RopeTable& table, std::int64_t position) {
  const auto count = x.value.size(2), d = x.value.size(3), half = table.cos.size(1);
  const auto cos = table.cos.narrow(0, position, count), sin = table.sin.narrow(0, position, count);
  const auto first = x.value.narrow(-1, 0, half), second = x.value.narrow(-1, half, half);
  auto y = at::empty(x.value.sizes(), x.value.options());
  auto first_out = y.narrow(-1, 0, half), second_out = y.narrow(-1, half, half);
  at::mul_out(first_out, first, cos).addcmul_(second, sin, -1);
  at::mul_out(second_out, second, cos).addcmul_(first, sin);
  if (2 * half < d)
    y.narrow(-1, 2 * half, d - 2 * half).copy_(x.value.narrow(-1, 2 * half, d - 2 * half));
  return Tensor(y);
}

void DecoderOps::write(Cache& cache, std::int64_t slot, Tensor keys, Tensor values) {
  const auto count = keys.value.size(2);
  cache.keys.narrow(2, slot, count).copy_(keys.value);
  cache.values.narrow(2, slot, count).copy_(values.value);
}

std::pair<Tensor, Tensor> DecoderOps::read(const Cache& cache, std::int64_t count) {
  return {Tensor(cache.keys.narrow(2, 0, count)), Tensor(cache.values.narrow(2, 0, count))};
}

Tensor DecoderOps::tokens(const Tensor& x, std::int64_t first, std::int64_t count) {
  return Tensor(x.value.narrow(2, first, count));
}

Tensor DecoderOps::join(Tensor a, const Tensor& b) {
  return Tensor(at::cat({a.value, b.value}, 2));
}

Tensor DecoderOps::attention(Tensor q, Tensor k, Tensor v, const Attention& how) {
  if (how.softcap || how.sinks != nullptr)
    return Tensor(unfused_attention(q.value, k.value, v.value, how));
  std::optional<at::Tensor> mask;
  if (how.mask->allowed.defined()) mask = how.mask->allowed;
  const bool grouped = q.value.size(1) != k.value.size(1);
  const WithoutPlans guard(q.value.size(2) == 1 && q.value.is_cuda());
  return Tensor(at::scaled_dot_product_attention(q.value, k.value, v.value, mask, 0.0,
                                                 how.mask->causal, how.scale, grouped));
}

Tensor DecoderOps::gate(Tensor gate, Tensor up, const model::Maths& maths) {
  return Tensor(gated(gate.value, up.value, maths));
}

Tensor DecoderOps::activate(Tensor x, const model::Maths& maths) {
  return Tensor(activated(x.value, maths));
}

Tensor DecoderOps::times_sigmoid(Tensor x, Tensor g) {
  return Tensor(x.value.mul_(g.value.sigmoid()));
}

/// Token by expert: which tokens an expert gets is known on the host only, so on a GPU this waits
/// for the router, as transformers does.
Tensor DecoderOps::mixture(const Tensor& x, Tensor router, const Experts& experts,
                           const model::Spec& spec) {
  const auto hidden = x.value.size(-1);
  const auto tokens = x.value.reshape({-1, hidden});
  const auto routing = route(router.value.reshape({-1, spec.shape.experts}), spec);
  const auto weights = routing.weights.to(tokens.scalar_type());
  const auto chosen = routing.experts.to(at::kCPU).contiguous();
  const auto* numbers = chosen.const_data_ptr<std::int64_t>();
  const auto k = spec.shape.experts_per_token;
  std::vector<std::vector<std::int64_t>> places(experts.list.size());
  for (std::int64_t i = 0; i < chosen.numel(); ++i)
    places[static_cast<std::size_t>(numbers[i])].push_back(i);
  auto y = at::zeros_like(tokens);
  for (std::size_t e = 0; e < places.size(); ++e) {
    if (places[e].empty()) continue;
    const Expert& expert = experts.list[e];
    const auto place = at::tensor(places[e]).to(tokens.device());
    const auto rows = place.div(k, "floor");
    const auto part = tokens.size(0) == 1 ? tokens : tokens.index_select(0, rows);
    const auto inner =
        gated(multiplied(part, expert.gate), multiplied(part, expert.up), spec.maths);
    auto out = multiplied(inner, expert.down);
    out.mul_(weights.flatten().index_select(0, place).unsqueeze(-1));
    if (tokens.size(0) == 1)
      y.add_(out);
    else
      y.index_add_(0, rows, out);
  }
  return Tensor(y.reshape(x.value.sizes()));
}

Tensor DecoderOps::last_token(Tensor x) {
  return Tensor(x.value.narrow(1, x.value.size(1) - 1, 1));
}

}  // namespace mlbench::torch_worker
