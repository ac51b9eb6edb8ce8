#include "model/tensors.hpp"

#include <cmath>

namespace mlbench::model {
namespace {

class List {
 public:
  explicit List(std::int64_t copies) : copies_(copies) {}
  void matrix(const char* name, Role role, std::int64_t rows, std::int64_t columns,
              std::int64_t stack = 1) {
    if (copies_ > 0) tensors_.push_back({name, role, stack, rows, columns, copies_, false});
  }
  void vector(const char* name, std::int64_t columns, std::int64_t stack = 1) {
    if (copies_ > 0) tensors_.push_back({name, Role::vector, stack, 1, columns, copies_, false});
  }
  /// A matrix (rows, columns) and, with `bias`, a vector of `rows`.
  void linear(const char* name, Role role, std::int64_t rows, std::int64_t columns, bool bias,
              bool least_8bit = false) {
    matrix(name, role, rows, columns);
    if (least_8bit && !tensors_.empty()) tensors_.back().least_8bit = true;
    if (bias) vector(name, rows);
  }
  void norm(const char* name, std::int64_t width, bool bias) {
    vector(name, width);
    if (bias) vector(name, width);
  }
  std::vector<Tensor> take() && { return std::move(tensors_); }

 private:
  std::int64_t copies_;
  std::vector<Tensor> tensors_;
};

void add_attention(List& list, const ModelShape& s) {
  const auto q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  if (s.fused) {
    list.linear("qkv", Role::attention, q + 2 * kv, s.hidden, s.qkv_bias);
  } else {
    list.linear("query", Role::attention, q, s.hidden, s.qkv_bias);
    list.linear("key", Role::attention, kv, s.hidden, s.qkv_bias);
    list.linear("value", Role::attention, kv, s.hidden, s.qkv_bias);
  }
  list.linear("attention output", Role::attention, s.hidden, q, s.out_bias);
  if (s.qk_norm != ModelShape::QkNorm::none) {
    const bool full = s.qk_norm == ModelShape::QkNorm::full;
    list.vector("query norm", full ? q : s.head_dim);
    list.vector("key norm", full ? kv : s.head_dim);
  }
  if (s.sinks) list.vector("sinks", s.heads);
}

void add_mlp(List& list, const ModelShape& s, std::int64_t width) {
  if (s.fused) {
    list.linear("gate and up", Role::mlp, 2 * width, s.hidden, s.mlp_bias);
  } else {
    if (s.gated) list.linear("gate", Role::mlp, width, s.hidden, s.mlp_bias);
    list.linear("up", Role::mlp, width, s.hidden, s.mlp_bias);
  }
  list.linear("down", Role::mlp, s.hidden, width, s.mlp_bias);
}

void add_experts(List& list, const ModelShape& s) {
  list.linear("router", Role::router, s.experts, s.hidden, s.expert_bias, s.router_8bit);
  list.matrix("expert gates", Role::expert, s.expert_intermediate, s.hidden, s.experts);
  list.matrix("expert ups", Role::expert, s.expert_intermediate, s.hidden, s.experts);
  list.matrix("expert downs", Role::expert, s.hidden, s.expert_intermediate, s.experts);
  if (s.expert_bias) {
    list.vector("expert gate biases", s.expert_intermediate, s.experts);
    list.vector("expert up biases", s.expert_intermediate, s.experts);
    list.vector("expert down biases", s.hidden, s.experts);
  }
  if (s.shared_intermediate > 0) {
    add_mlp(list, s, s.shared_intermediate);
    list.matrix("shared expert gate", Role::router, 1, s.hidden);
  }
}

void append(std::vector<Tensor>& all, List&& list) {
  for (auto& tensor : std::move(list).take()) all.push_back(std::move(tensor));
}

}  // namespace

std::vector<Tensor> tensors_of(const ModelShape& s) {
  std::vector<Tensor> all;
  List ends(1);
  ends.matrix("embedding", Role::embedding, s.vocab, s.hidden);
  if (!s.tied) ends.matrix("output", Role::head, s.vocab, s.hidden);
  if (s.head_bias) ends.vector("output bias", s.vocab);
  ends.norm("last norm", s.hidden, s.layer_norm);
  append(all, std::move(ends));

  List layers(s.layers);
  for (std::int64_t i = 0; i < s.norms_per_layer; ++i) layers.norm("norm", s.hidden, s.layer_norm);
  add_attention(layers, s);
  append(all, std::move(layers));

  List plain(s.is_mixture() ? s.dense_layers : s.layers);
  add_mlp(plain, s, s.intermediate);
  append(all, std::move(plain));

  List mixture(s.is_mixture() ? s.layers - s.dense_layers : 0);
  add_experts(mixture, s);
  append(all, std::move(mixture));
  return all;
}

std::int64_t parameter_count(const ModelShape& shape) {
  std::int64_t count = 0;
  for (const auto& t : tensors_of(shape)) count += t.parameters();
  return count;
}

double read_fraction(const ModelShape& shape, const Tensor& tensor, std::int64_t batch) {
  if (tensor.role == Role::embedding && !shape.tied) return 0;
  if (!shape.is_mixture() || tensor.stack == 1) return 1;
  // Expected share of experts that at least one of `batch` tokens chooses.
  const double chosen =
      static_cast<double>(shape.experts_per_token) / static_cast<double>(shape.experts);
  return 1 - std::pow(1 - chosen, static_cast<double>(batch));
}

double matmul_parameters(const ModelShape& shape) {
  double count = 0;
  for (const auto& t : tensors_of(shape)) {
    if (t.role == Role::embedding || t.role == Role::head || t.role == Role::vector) continue;
    count += static_cast<double>(t.parameters()) * read_fraction(shape, t, 1);
  }
  return count;
}

}  // namespace mlbench::model
