#include "model/layer_weights.hpp"

#include <algorithm>

namespace mlbench::model {
namespace {

enum class Bias { no, yes };

/// Follows the first error, so that a layer can be read in one go.
class Loader {
 public:
  Loader(const Spec& spec, const Weights& weights, std::string prefix)
      : spec_(spec), weights_(weights), prefix_(std::move(prefix)) {}

  HostTensor tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                    std::int64_t fan_in) {
    if (error_) return {};
    auto found = weights_.get(prefix_ + name, shape, fan_in);
    if (!found) {
      error_ = found.error();
      return {};
    }
    return *std::move(found);
  }

  StoredLinear linear(const std::string& name, std::int64_t rows, std::int64_t columns, Bias bias) {
    StoredLinear l;
    l.rows = rows, l.columns = columns;
    if (weights_.has(prefix_ + name + ".scales")) {
      l.weight = raw(name + ".weight"), l.scales = raw(name + ".scales");
      if (weights_.has(prefix_ + name + ".biases")) l.offsets = raw(name + ".biases");
      check_packed(name, l);
    } else {
      l.weight = tensor(name + ".weight", {rows, columns}, columns);
    }
    if (bias == Bias::yes) l.bias = tensor(name + ".bias", {rows}, 0);
    return l;
  }

  /// The same of each expert, from one tensor for all of them: [experts, rows, ...].
  std::vector<StoredLinear> linears(const std::string& name, std::int64_t count, std::int64_t rows,
                                    std::int64_t columns, Bias bias) {
    const bool packed = weights_.has(prefix_ + name + ".scales");
    const HostTensor weight =
        packed ? raw(name + ".weight") : tensor(name + ".weight", {count, rows, columns}, columns);
    std::optional<HostTensor> scales, offsets, biases;
    if (packed) scales = raw(name + ".scales");
    if (packed && weights_.has(prefix_ + name + ".biases")) offsets = raw(name + ".biases");
    if (bias == Bias::yes) biases = tensor(name + ".bias", {count, rows}, 0);
    for (const auto* t : {&scales, &offsets}) {
      if (!error_ && *t && !is_of(**t, count)) failed(not_of(name, count));
    }
    if (!error_ && !is_of(weight, count)) failed(not_of(name, count));
    std::vector<StoredLinear> all;
    for (std::int64_t e = 0; e < count && !error_; ++e) {
      StoredLinear l;
      l.rows = rows, l.columns = columns, l.weight = weight.at(e);
      if (scales) l.scales = scales->at(e);
      if (offsets) l.offsets = offsets->at(e);
      if (biases) l.bias = biases->at(e);
      if (packed) check_packed(name, l);
      all.push_back(std::move(l));
    }
    return all;
  }

  StoredNorm norm(const std::string& name) {
    StoredNorm n{.weight = gain(name + ".weight", spec_.shape.hidden), .bias = {}};
    if (spec_.shape.layer_norm) n.bias = tensor(name + ".bias", {spec_.shape.hidden}, 0);
    return n;
  }

  /// A norm's weight as it multiplies.
  HostTensor gain(const std::string& name, std::int64_t width) {
    HostTensor t = tensor(name, {width}, 0);
    if (error_ || !spec_.maths.norm_adds_one) return t;
    auto values = to_floats(t);
    for (float& v : values) v += 1;
    return from_floats(values, t.shape, t.storage);
  }

  /// Whatever is called so, unchecked.
  HostTensor raw(const std::string& name) {
    auto found = weights_.raw(prefix_ + name);
    if (!found) {
      failed(found.error());
      return {};
    }
    return *std::move(found);
  }

  void failed(Error error) {
    if (!error_) error_ = std::move(error);
  }
  [[nodiscard]] bool has(const std::string& name) const { return weights_.has(prefix_ + name); }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] const Spec& spec() const { return spec_; }

 private:
  static bool is_of(const HostTensor& t, std::int64_t count) {
    return t.shape.size() == 3 && t.shape[0] == count;
  }
  [[nodiscard]] Error not_of(const std::string& name, std::int64_t count) const {
    return fail(ErrorKind::usage, "tensor " + prefix_ + name + " is not that of " +
                                      std::to_string(count) +
                                      " experts, which config.json implies; do both belong to one "
                                      "model?");
  }

  /// MLX packs a row of `columns` values into words of 32 bits, and has one scale for each group.
  void check_packed(const std::string& name, const StoredLinear& l) {
    if (error_) return;
    if (l.weight.storage == Storage::I8) {  // one scale a row: Quantisation::int8
      const bool fits = l.weight.shape == std::vector{l.rows, l.columns} &&
                        l.scales->shape == std::vector{l.rows};
      if (!fits)
        failed(fail(ErrorKind::usage, "tensor " + prefix_ + name + " is not int8 by rows"));
      return;
    }
    const auto& w = l.weight.shape;
    const auto& s = l.scales->shape;
    const bool sane = w.size() == 2 && s.size() == 2 && w[0] == l.rows && s[0] == l.rows &&
                      w[1] > 0 && s[1] > 0 && l.columns % s[1] == 0 && w[1] * 32 % l.columns == 0 &&
                      l.weight.storage == Storage::U32 && (!l.offsets || l.offsets->shape == s);
    if (!sane)
      failed(fail(ErrorKind::usage, "tensor " + prefix_ + name + " is not packed as MLX packs " +
                                        std::to_string(l.rows) + "x" + std::to_string(l.columns) +
                                        " values; convert the model again"));
  }

  const Spec& spec_;
  const Weights& weights_;
  std::string prefix_;
  std::optional<Error> error_;
};

Bias when(bool has) {
  return has ? Bias::yes : Bias::no;
}

void load_norms(Loader& l, StoredLayer& layer) {
  using Order = Maths::Order;
  const Order order = l.spec().maths.order;
  if (order != Order::after) layer.before_attention = l.norm("input_layernorm");
  if (order == Order::before) layer.before_mlp = l.norm("post_attention_layernorm");
  if (order == Order::around) {
    layer.after_attention = l.norm("post_attention_layernorm");
    layer.before_mlp = l.norm("pre_feedforward_layernorm");
  }
  if (order == Order::after) layer.after_attention = l.norm("post_attention_layernorm");
  if (order == Order::after || order == Order::around)
    layer.after_mlp = l.norm("post_feedforward_layernorm");
}

void load_attention(Loader& l, StoredLayer& layer) {
  const ModelShape& s = l.spec().shape;
  const auto q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  const Bias bias = when(s.qkv_bias);
  if (s.fused) {
    layer.query_key_value = l.linear("self_attn.qkv_proj", q + 2 * kv, s.hidden, bias);
  } else {
    layer.query = l.linear("self_attn.q_proj", q, s.hidden, bias);
    layer.key = l.linear("self_attn.k_proj", kv, s.hidden, bias);
    layer.value = l.linear("self_attn.v_proj", kv, s.hidden, bias);
  }
  const std::string output =
      l.spec().maths.family == "phi" ? "self_attn.dense" : "self_attn.o_proj";
  layer.attention_output = l.linear(output, s.hidden, q, when(s.out_bias));
  if (s.qk_norm != ModelShape::QkNorm::none) {
    const bool full = s.qk_norm == ModelShape::QkNorm::full;
    layer.query_norm = l.gain("self_attn.q_norm.weight", full ? q : s.head_dim);
    layer.key_norm = l.gain("self_attn.k_norm.weight", full ? kv : s.head_dim);
  }
  if (s.sinks) layer.sinks = l.tensor("self_attn.sinks", {s.heads}, 0);
}

StoredMlp load_mlp(Loader& l, const std::string& prefix, std::int64_t width) {
  const ModelShape& s = l.spec().shape;
  const Bias bias = when(s.mlp_bias);
  StoredMlp mlp;
  if (s.fused) {
    mlp.fused = true;
    mlp.up = l.linear(prefix + "gate_up_proj", 2 * width, s.hidden, bias);
    mlp.down = l.linear(prefix + "down_proj", s.hidden, width, bias);
  } else if (l.spec().maths.family == "phi") {
    mlp.up = l.linear(prefix + "fc1", width, s.hidden, bias);
    mlp.down = l.linear(prefix + "fc2", s.hidden, width, bias);
  } else if (!s.gated) {  // StarCoder 2
    mlp.up = l.linear(prefix + "c_fc", width, s.hidden, bias);
    mlp.down = l.linear(prefix + "c_proj", s.hidden, width, bias);
  } else {
    mlp.gate = l.linear(prefix + "gate_proj", width, s.hidden, bias);
    mlp.up = l.linear(prefix + "up_proj", width, s.hidden, bias);
    mlp.down = l.linear(prefix + "down_proj", s.hidden, width, bias);
  }
  return mlp;
}

/// Rows first, first + step, ... of the transpose of `matrix` [columns of the result, ...].
HostTensor transposed(const HostTensor& matrix, std::int64_t first, std::int64_t step) {
  const auto inner = matrix.shape[0], outer = matrix.shape[1];
  const auto rows = (outer - first + step - 1) / step;
  const auto size = size_bytes(matrix.storage);
  auto made = new_tensor(matrix.storage, {rows, inner});
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < inner; ++c) {
      const std::byte* from = matrix.data + (c * outer + first + r * step) * size;
      std::copy(from, from + size, made.data + (r * inner + c) * size);
    }
  }
  return made.tensor;
}

HostTensor every_second(const HostTensor& vector, std::int64_t first) {
  HostTensor column = vector;
  column.shape = {1, vector.shape[0]};
  HostTensor taken = transposed(column, first, 2);
  taken.shape = {taken.shape[0]};
  return taken;
}

StoredLinear stored(HostTensor weight, std::optional<HostTensor> bias) {
  StoredLinear l;
  l.rows = weight.shape[0], l.columns = weight.shape[1];
  l.weight = std::move(weight), l.bias = std::move(bias);
  return l;
}

/// Rows first, first + step, ... of a matrix.
HostTensor every_row(const HostTensor& matrix, std::int64_t first, std::int64_t step) {
  const auto rows = (matrix.shape[0] - first + step - 1) / step;
  auto made = new_tensor(matrix.storage, {rows, matrix.shape[1]});
  const auto bytes = matrix.shape[1] * size_bytes(matrix.storage);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::byte* from = matrix.data + (first + r * step) * bytes;
    std::copy(from, from + bytes, made.data + r * bytes);
  }
  return made.tensor;
}

/// Experts as gpt-oss is released: blocks [experts, out, in / 32, 16 bytes] of two E2M1 numbers a
/// byte, the low one first, which are MLX's words of 32 bits, and scales [experts, out, in / 32].
struct Blocks {
  HostTensor words, scales;  ///< U32 [experts, out, in / 8]; U8.
  std::int64_t columns = 0;
};
Blocks load_blocks(Loader& l, const std::string& name, std::int64_t rows, std::int64_t columns) {
  const auto n = l.spec().shape.experts;
  Blocks b{.words = l.raw(name + "_blocks"), .scales = l.raw(name + "_scales"), .columns = columns};
  if (l.error()) return b;
  const std::vector<std::int64_t> blocks = {n, rows, columns / 32, 16},
                                  scales = {n, rows, columns / 32};
  const bool fits = columns % 32 == 0 && b.words.shape == blocks && b.scales.shape == scales &&
                    b.words.storage == Storage::U8 && b.scales.storage == Storage::U8;
  if (!fits) {
    l.failed(fail(ErrorKind::usage, "tensor " + name +
                                        "_blocks is no MXFP4 of the shape that config.json "
                                        "implies; do both belong to one model?"));
    return b;
  }
  auto copy = new_tensor(Storage::U32, {n, rows, columns / 8});  // aligned for words
  std::copy(b.words.data, b.words.data + b.words.bytes(), copy.data);
  b.words = copy.tensor;
  return b;
}

StoredLinear stored(const Blocks& b, std::int64_t expert, std::int64_t first, std::int64_t step,
                    HostTensor bias) {
  StoredLinear l;
  l.weight = every_row(b.words.at(expert), first, step);
  l.scales = every_row(b.scales.at(expert), first, step);
  l.rows = l.weight.shape[0], l.columns = b.columns;
  l.bias = std::move(bias);
  return l;
}

void load_gpt_oss_blocks(Loader& l, StoredMixture& m) {
  const ModelShape& s = l.spec().shape;
  const auto n = s.experts, h = s.hidden, i = s.expert_intermediate;
  const Blocks up = load_blocks(l, "mlp.experts.gate_up_proj", 2 * i, h);
  const HostTensor up_bias = l.tensor("mlp.experts.gate_up_proj_bias", {n, 2 * i}, 0);
  const Blocks down = load_blocks(l, "mlp.experts.down_proj", h, i);
  const HostTensor down_bias = l.tensor("mlp.experts.down_proj_bias", {n, h}, 0);
  if (l.error()) return;
  for (std::int64_t e = 0; e < n; ++e) {
    m.experts.push_back({.gate = stored(up, e, 0, 2, every_second(up_bias.at(e), 0)),
                         .up = stored(up, e, 1, 2, every_second(up_bias.at(e), 1)),
                         .down = stored(down, e, 0, 1, down_bias.at(e)),
                         .fused = false});
  }
}

/// gpt-oss keeps all experts in one tensor each, [experts, in, out], gate and up interleaved.
void load_gpt_oss(Loader& l, StoredMixture& m) {
  const ModelShape& s = l.spec().shape;
  const auto n = s.experts, h = s.hidden, i = s.expert_intermediate;
  const HostTensor up = l.tensor("mlp.experts.gate_up_proj", {n, h, 2 * i}, h);
  const HostTensor up_bias = l.tensor("mlp.experts.gate_up_proj_bias", {n, 2 * i}, 0);
  const HostTensor down = l.tensor("mlp.experts.down_proj", {n, i, h}, i);
  const HostTensor down_bias = l.tensor("mlp.experts.down_proj_bias", {n, h}, 0);
  if (l.error()) return;
  for (std::int64_t e = 0; e < n; ++e) {
    m.experts.push_back({.gate = stored(transposed(up.at(e), 0, 2), every_second(up_bias.at(e), 0)),
                         .up = stored(transposed(up.at(e), 1, 2), every_second(up_bias.at(e), 1)),
                         .down = stored(transposed(down.at(e), 0, 1), down_bias.at(e)),
                         .fused = false});
  }
}

/// One tensor for all experts, [experts, 2·width, hidden], as transformers 5 holds them.
void load_stacked(Loader& l, StoredMixture& m) {
  const ModelShape& s = l.spec().shape;
  const auto n = s.experts, h = s.hidden, i = s.expert_intermediate;
  const HostTensor up = l.tensor("mlp.experts.gate_up_proj", {n, 2 * i, h}, h);
  const HostTensor down = l.tensor("mlp.experts.down_proj", {n, h, i}, i);
  if (l.error()) return;
  for (std::int64_t e = 0; e < n; ++e) {
    m.experts.push_back({.gate = stored(up.at(e).rows(0, i), {}),
                         .up = stored(up.at(e).rows(i, i), {}),
                         .down = stored(down.at(e), {}),
                         .fused = false});
  }
}

/// As mlx-lm writes them, quantised or not: gate, up and down of all experts in a tensor each.
void load_switch(Loader& l, StoredMixture& m, const std::string& prefix) {
  const ModelShape& s = l.spec().shape;
  const auto n = s.experts, h = s.hidden, i = s.expert_intermediate;
  const Bias bias = when(s.expert_bias);
  auto gate = l.linears(prefix + "gate_proj", n, i, h, bias);
  auto up = l.linears(prefix + "up_proj", n, i, h, bias);
  auto down = l.linears(prefix + "down_proj", n, h, i, bias);
  if (l.error()) return;
  for (std::size_t e = 0; e < gate.size(); ++e) {
    m.experts.push_back({.gate = std::move(gate[e]),
                         .up = std::move(up[e]),
                         .down = std::move(down[e]),
                         .fused = false});
  }
}

/// Where mlx-lm's own layout of experts begins; empty: it is not that layout.
std::string switch_prefix(const Loader& l) {
  for (const char* prefix : {"mlp.switch_mlp.", "block_sparse_moe.switch_mlp.", "mlp.experts."}) {
    if (l.has(std::string(prefix) + "gate_proj.weight")) return prefix;
  }
  return "";
}

void load_mixture(Loader& l, StoredLayer& layer) {
  const ModelShape& s = l.spec().shape;
  StoredMixture m;
  const bool gpt_oss = l.spec().maths.family == "gpt_oss";
  const bool old_mixtral = l.has("block_sparse_moe.gate.weight");
  const std::string router =
      gpt_oss ? "mlp.router" : (old_mixtral ? "block_sparse_moe.gate" : "mlp.gate");
  m.router = l.linear(router, s.experts, s.hidden, when(s.expert_bias));
  if (const auto prefix = switch_prefix(l); !prefix.empty()) {
    load_switch(l, m, prefix);
  } else if (gpt_oss) {
    if (l.has("mlp.experts.gate_up_proj_blocks"))
      load_gpt_oss_blocks(l, m);
    else
      load_gpt_oss(l, m);
  } else if (l.has("mlp.experts.gate_up_proj")) {
    load_stacked(l, m);
  } else {
    for (std::int64_t e = 0; e < s.experts && !l.error(); ++e) {
      const std::string number = std::to_string(e);
      if (old_mixtral) {
        const std::string p = "block_sparse_moe.experts." + number + ".";
        m.experts.push_back({.gate = l.linear(p + "w1", s.expert_intermediate, s.hidden, Bias::no),
                             .up = l.linear(p + "w3", s.expert_intermediate, s.hidden, Bias::no),
                             .down = l.linear(p + "w2", s.hidden, s.expert_intermediate, Bias::no),
                             .fused = false});
      } else {
        m.experts.push_back(load_mlp(l, "mlp.experts." + number + ".", s.expert_intermediate));
      }
    }
  }
  if (s.shared_intermediate > 0) {
    m.shared = load_mlp(l, "mlp.shared_expert.", s.shared_intermediate);
    m.shared_gate = l.linear("mlp.shared_expert_gate", 1, s.hidden, Bias::no);
  }
  layer.mixture = std::move(m);
}

}  // namespace

Result<StoredLayer> load_layer(const Spec& spec, const Weights& weights, std::int64_t layer) {
  Loader l(spec, weights, "model.layers." + std::to_string(layer) + ".");
  StoredLayer result;
  load_norms(l, result);
  load_attention(l, result);
  if (spec.maths.is_mixture[static_cast<std::size_t>(layer)])
    load_mixture(l, result);
  else
    result.mlp = load_mlp(l, "mlp.", spec.shape.intermediate);
  if (l.error()) return *l.error();
  return result;
}

Result<StoredEnds> load_ends(const Spec& spec, const Weights& weights) {
  const ModelShape& s = spec.shape;
  Loader l(spec, weights, "");
  StoredEnds ends;
  ends.embedding = l.linear("model.embed_tokens", s.vocab, s.hidden, Bias::no);
  if (!s.tied || s.head_bias) ends.head = l.linear("lm_head", s.vocab, s.hidden, when(s.head_bias));
  ends.last_norm = l.norm(spec.maths.family == "phi" ? "model.final_layernorm" : "model.norm");
  if (l.error()) return *l.error();
  return ends;
}

}  // namespace mlbench::model
