#pragma once

#include "model/decoder.hpp"

#include <memory>
#include <vector>

namespace mlbench::model {

/// The decoder's operations in double precision, by plain loops: what every framework's answer is
/// compared with. Weights are what the checkpoint holds (of a quantised one, what it stands for),
/// without further rounding.
class ReferenceOps {
 public:
  /// Row-major. Move-only, as every Ops::Tensor: a copy is never made by accident.
  struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<double> values;
    Tensor() = default;
    Tensor(std::vector<std::int64_t> s, std::vector<double> v)
        : shape(std::move(s)), values(std::move(v)) {}
    Tensor(Tensor&&) = default;
    Tensor& operator=(Tensor&&) = default;
    Tensor(const Tensor&) = delete;
    Tensor& operator=(const Tensor&) = delete;
    ~Tensor() = default;
    [[nodiscard]] std::int64_t last() const { return shape.back(); }
    [[nodiscard]] std::int64_t rows() const {
      return static_cast<std::int64_t>(values.size()) / shape.back();
    }
  };
  struct Ids {
    std::int64_t batch = 0;
    std::vector<std::int32_t> values;  ///< [batch, count]
  };
  /// Reads its rows from the checkpoint when it needs them: no second copy of a model.
  using Linear = StoredLinear;
  using Embedding = StoredLinear;
  struct Experts {
    std::vector<StoredMlp> list;
  };
  struct Cache {
    Tensor keys, values;  ///< [batch, heads, capacity, head_dim]
  };
  using Mask = Visibility;
  using RopeTable = model::RopeTable;
  struct Attention {
    double scale = 1;
    std::optional<double> softcap;
    const Tensor* sinks = nullptr;
    const Mask* mask = nullptr;
  };

  // Tokens and results.
  static Ids ids(std::int64_t batch, const std::vector<std::int32_t>& values) {
    return {batch, values};
  }
  /// The likeliest token of each sequence, from logits [batch, 1, vocab], as ids [batch, 1].
  static Ids likeliest(const Tensor& logits);
  /// To the host, in row-major order.
  static std::vector<double> numbers(const Tensor& x) { return x.values; }
  static std::vector<std::int32_t> numbers(const Ids& ids) { return ids.values; }

  // Weights to the device. dense_linear() is for matrices that stay unquantised (routers).
  static Linear linear(const StoredLinear& l) { return l; }
  static Linear dense_linear(const StoredLinear& l) { return l; }
  /// `serves_as_head`: also multiplies, in unembed().
  static Embedding embedding(const StoredLinear& l, bool serves_as_head);
  static Tensor vector(const HostTensor& v);
  static Experts experts(const std::vector<StoredMlp>& list) { return {list}; }
  static RopeTable rope_table(model::RopeTable table, std::int64_t context);
  static Cache cache(std::int64_t batch, std::int64_t heads, std::int64_t capacity,
                     std::int64_t head_dim);
  static Mask mask(Visibility v) { return v; }

  /// [batch, count] to [batch, count, hidden].
  static Tensor embed(const Embedding& e, const Ids& ids);
  /// x·Eᵀ.
  static Tensor unembed(const Tensor& x, const Embedding& e) { return linear(x, e); }
  /// x·Wᵀ + bias over the last dimension.
  static Tensor linear(const Tensor& x, const Linear& l);
  /// x / sqrt(mean(x²) + epsilon)·weight, over the last dimension.
  static Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon);
  static Tensor layer_norm(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                           double epsilon);
  static Tensor add(Tensor a, Tensor b);
  static Tensor scale(Tensor x, double factor);
  /// cap·tanh(x / cap).
  static Tensor softcap(Tensor x, double cap);
  /// Columns [first, first + count) of the last dimension.
  static Tensor columns(const Tensor& x, std::int64_t first, std::int64_t count);
  static std::int64_t width(const Tensor& x) { return x.last(); }
  /// [batch, count, heads·d] to [batch, heads, count, d], and back.
  static Tensor split_heads(Tensor x, std::int64_t heads);
  static Tensor merge_heads(Tensor x);
  /// Turns the first table.dims() numbers of each head, number i with number i + dims/2 (the layout
  /// of Hugging Face checkpoints), by (position + token)·inverse_frequency.
  static Tensor rope(Tensor x, const RopeTable& table, std::int64_t position);
  /// Overwrites slots [slot, slot + count) of every head.
  static void write(Cache& cache, std::int64_t slot, Tensor keys, Tensor values);
  /// The first `count` slots.
  static std::pair<Tensor, Tensor> read(const Cache& cache, std::int64_t count);
  /// Tokens [first, first + count) of [batch, heads, tokens, d].
  static Tensor tokens(const Tensor& x, std::int64_t first, std::int64_t count);
  /// Tokens of a, then those of b.
  static Tensor join(Tensor a, const Tensor& b);
  /// softmax(softcap(scale·q·kᵀ))·v over the keys that the mask allows. Query heads share a
  /// key/value head in equal groups. A sink is one more logit of its head, whose value is zero.
  static Tensor attention(Tensor q, Tensor k, Tensor v, const Attention& how);
  /// activation(gate)·up; gpt-oss clamps both and adds one to up.
  static Tensor gate(Tensor gate, Tensor up, const Maths& maths);
  static Tensor activate(Tensor x, const Maths& maths);
  /// x·sigmoid(g), g one number a token.
  static Tensor times_sigmoid(Tensor x, Tensor g);
  /// The sum over the chosen experts of a token, weighted by what the router's logits say.
  static Tensor mixture(const Tensor& x, Tensor router, const Experts& experts, const Spec& spec);
  /// [batch, count, width] to [batch, 1, width].
  static Tensor last_token(Tensor x);
  static void commit(const std::vector<const Tensor*>& outputs) { static_cast<void>(outputs); }
};

/// Row `row` of a matrix as the numbers it stands for, dequantised where it is quantised.
void read_row(const StoredLinear& l, std::int64_t row, float* out);

/// One token's experts and their weights, from its router's logits: by Maths::softmax_over_chosen
/// and normalise_chosen.
struct Choice {
  std::vector<std::int64_t> experts;
  std::vector<double> weights;
};
[[nodiscard]] Choice choose(const double* logits, const Spec& spec);

}  // namespace mlbench::model
