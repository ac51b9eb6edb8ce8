#pragma once

#include "model/layer_weights.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

/// The decoder of every model, written once over a small set of operations.
///
/// `Ops` is one framework on one device (workers/torch, workers/mlx) or the reference in double
/// precision (reference_ops.hpp); reference_ops.hpp documents each operation. Ops::Tensor is a
/// move-only handle: a framework may reuse the memory of a tensor that nobody holds any more, so
/// none is held by accident. Nothing may have been computed before commit().
namespace mlbench::model {

/// Which keys each query sees.
struct Visibility {
  enum class Kind {
    all,     ///< Every query sees every key (one query, or no mask needed).
    causal,  ///< Query i of L sees keys 0 .. K - L + i.
    listed   ///< `allowed`, row-major [queries, keys].
  } kind = Kind::all;
  std::int64_t queries = 0, keys = 0;
  std::vector<std::uint8_t> allowed;
};

/// Of one layer's memory of keys and values, where new tokens go and what they look at.
///
/// A layer that slides keeps a ring of as many tokens as its window: token p lies in slot
/// p % capacity.
struct Step {
  std::int64_t position = 0;  ///< Of the first new token.
  std::int64_t count = 0;     ///< New tokens.
  std::int64_t capacity = 0;  ///< Slots of the layer.
  std::int64_t window = 0;    ///< 0: none.

  /// The new tokens fit behind the old ones, and no old one is out of sight.
  [[nodiscard]] bool is_plain() const { return position + count <= capacity; }
  [[nodiscard]] std::int64_t old_slots() const { return std::min(position, capacity); }
  /// The position of the token in slot `s` before the step; position > 0.
  [[nodiscard]] std::int64_t position_in(std::int64_t s) const {
    if (position <= capacity) return s;
    const auto last = position - 1;
    return last - (last - s) % capacity;
  }
  [[nodiscard]] Visibility visibility() const;
};

/// What a call of the decoder is to return.
enum class Logits {
  all,  ///< [batch, tokens, vocab]
  last  ///< [batch, 1, vocab]: of the last token alone.
};

template <class Ops>
class Decoder {
 public:
  using Tensor = typename Ops::Tensor;
  using Ids = typename Ops::Ids;
  using Cache = typename Ops::Cache;

  /// Moves `weights` to the device layer by layer. At most `context` tokens can be remembered.
  /// Errors: those of load_layer(), and of Ops for what the framework cannot hold.
  static Result<Decoder> load(Ops& ops, const Spec& spec, const Weights& weights,
                              std::int64_t context) {
    Decoder d(ops, spec, context);
    auto ends = load_ends(spec, weights);
    if (!ends) return ends.error();
    d.embedding_ = ops.embedding(ends->embedding, !ends->head);
    if (ends->head) d.head_ = ops.linear(*ends->head);
    d.last_norm_ = d.norm(ends->last_norm);
    for (std::int64_t i = 0; i < spec.shape.layers; ++i) {
      auto stored = load_layer(spec, weights, i);
      if (!stored) return stored.error();
      d.layers_.push_back(d.layer(*stored, static_cast<std::size_t>(i)));
    }
    return d;
  }

  /// Empty memory for `batch` sequences: one cache a layer.
  [[nodiscard]] std::vector<Cache> make_caches(std::int64_t batch) const {
    std::vector<Cache> caches;
    const auto& s = spec_.shape;
    for (const Layer& layer : layers_)
      caches.push_back(ops_->cache(batch, s.kv_heads, layer.capacity, s.head_dim));
    return caches;
  }

  /// The logits that follow `ids` [batch, count], the first of which stand at `position`; keys and
  /// values are added to `caches`, one a layer.
  Tensor forward(const Ids& ids, std::int64_t count, std::int64_t position,
                 std::vector<Cache>& caches, Logits logits) {
    Tensor x = ops_->embed(embedding_, ids);
    if (spec_.maths.embedding_scale != 1)
      x = ops_->scale(std::move(x), spec_.maths.embedding_scale);
    x = blocks(std::move(x), count, position, caches);
    if (logits == Logits::last && count > 1) x = ops_->last_token(std::move(x));
    x = normed(x, last_norm_);
    Tensor y = head_ ? ops_->linear(x, *head_) : ops_->unembed(x, embedding_);
    if (spec_.maths.logit_scale != 1) y = ops_->scale(std::move(y), spec_.maths.logit_scale);
    if (spec_.maths.logit_softcap) y = ops_->softcap(std::move(y), *spec_.maths.logit_softcap);
    return y;
  }

  /// The layers alone, on `x` [batch, count, hidden].
  Tensor blocks(Tensor x, std::int64_t count, std::int64_t position, std::vector<Cache>& caches) {
    Masks masks;
    for (std::size_t i = 0; i < layers_.size(); ++i)
      x = block(std::move(x), layers_[i], step(layers_[i], count, position), caches[i], masks);
    return x;
  }

  [[nodiscard]] const Spec& spec() const { return spec_; }
  [[nodiscard]] std::int64_t capacity(std::size_t layer) const { return layers_[layer].capacity; }

 private:
  using Linear = typename Ops::Linear;
  using Mask = typename Ops::Mask;

  struct Norm {
    Tensor weight = {};
    std::optional<Tensor> bias;
  };
  struct Mlp {
    std::optional<Linear> gate;
    Linear up, down;
    bool fused;
  };
  struct Mixture {
    Linear router;
    typename Ops::Experts experts;
    std::optional<Mlp> shared;
    std::optional<Linear> shared_gate;
  };
  struct Layer {
    std::optional<Norm> before_attention, after_attention, before_mlp, after_mlp;
    std::optional<Linear> query, key, value, query_key_value;
    Linear attention_output;
    std::optional<Tensor> query_norm, key_norm, sinks;
    std::optional<Mlp> mlp;
    std::optional<Mixture> mixture;
    bool slides, turns;
    std::int64_t capacity;
  };
  /// Made once a call, for layers that see the same.
  struct Masks {
    std::optional<Mask> global, sliding;
  };

  Decoder(Ops& ops, const Spec& spec, std::int64_t context)
      : ops_(&ops),
        spec_(spec),
        context_(context),
        rope_(ops.rope_table(rope_table(spec.maths.rope, spec.shape.head_dim, context), context)),
        local_rope_(ops.rope_table(rope_table(spec.maths.local_rope, spec.shape.head_dim, context),
                                   context)) {}

  // Loading.

  Norm norm(const StoredNorm& n) {
    Norm made{ops_->vector(n.weight), {}};
    if (n.bias) made.bias = ops_->vector(*n.bias);
    return made;
  }
  std::optional<Norm> norm(const std::optional<StoredNorm>& n) {
    if (!n) return std::nullopt;
    return norm(*n);
  }
  std::optional<Linear> linear(const std::optional<StoredLinear>& l) {
    if (!l) return std::nullopt;
    return ops_->linear(*l);
  }
  std::optional<Tensor> vector(const std::optional<HostTensor>& v) {
    if (!v) return std::nullopt;
    return ops_->vector(*v);
  }
  Mlp mlp(const StoredMlp& m) {
    return {linear(m.gate), ops_->linear(m.up), ops_->linear(m.down), m.fused};
  }
  Layer layer(const StoredLayer& s, std::size_t index) {
    Layer l{.before_attention = norm(s.before_attention),
            .after_attention = norm(s.after_attention),
            .before_mlp = norm(s.before_mlp),
            .after_mlp = norm(s.after_mlp),
            .query = linear(s.query),
            .key = linear(s.key),
            .value = linear(s.value),
            .query_key_value = linear(s.query_key_value),
            .attention_output = ops_->linear(s.attention_output),
            .query_norm = vector(s.query_norm),
            .key_norm = vector(s.key_norm),
            .sinks = vector(s.sinks),
            .mlp = {},
            .mixture = {},
            .slides = spec_.maths.slides[index],
            .turns = spec_.maths.turns[index],
            .capacity = context_};
    if (l.slides) l.capacity = std::min(context_, spec_.shape.sliding_window);
    if (s.mlp) l.mlp = mlp(*s.mlp);
    if (s.mixture) {
      l.mixture =
          Mixture{ops_->dense_linear(s.mixture->router), ops_->experts(s.mixture->experts), {}, {}};
      if (s.mixture->shared) {
        l.mixture->shared = mlp(*s.mixture->shared);
        l.mixture->shared_gate = ops_->dense_linear(*s.mixture->shared_gate);
      }
    }
    return l;
  }

  // Computing.

  [[nodiscard]] Step step(const Layer& l, std::int64_t count, std::int64_t position) const {
    return {.position = position,
            .count = count,
            .capacity = l.capacity,
            .window = l.slides ? spec_.shape.sliding_window : 0};
  }

  Tensor normed(const Tensor& x, const Norm& n) {
    if (spec_.shape.layer_norm)
      return ops_->layer_norm(x, n.weight, n.bias, spec_.maths.norm_epsilon);
    return ops_->rms_norm(x, n.weight, spec_.maths.norm_epsilon);
  }

  /// x + y, y scaled where the family scales it.
  Tensor residual(Tensor x, Tensor y) {
    if (spec_.maths.residual_scale != 1) y = ops_->scale(std::move(y), spec_.maths.residual_scale);
    return ops_->add(std::move(x), std::move(y));
  }

  Tensor block(Tensor x, const Layer& l, const Step& s, Cache& cache, Masks& masks) {
    if (spec_.maths.order == Maths::Order::parallel) {
      const Tensor h = normed(x, *l.before_attention);
      Tensor a = attention(h, l, s, cache, masks);
      Tensor m = feed_forward(h, l);
      return residual(residual(std::move(x), std::move(a)), std::move(m));
    }
    Tensor a = l.before_attention ? attention(normed(x, *l.before_attention), l, s, cache, masks)
                                  : attention(x, l, s, cache, masks);
    if (l.after_attention) a = normed(a, *l.after_attention);
    x = residual(std::move(x), std::move(a));
    Tensor m = l.before_mlp ? feed_forward(normed(x, *l.before_mlp), l) : feed_forward(x, l);
    if (l.after_mlp) m = normed(m, *l.after_mlp);
    return residual(std::move(x), std::move(m));
  }

  Tensor attention(const Tensor& x, const Layer& l, const Step& s, Cache& cache, Masks& masks) {
    const ModelShape& shape = spec_.shape;
    const auto q_width = shape.heads * shape.head_dim, kv_width = shape.kv_heads * shape.head_dim;
    std::optional<Tensor> q, k, v;
    if (l.query_key_value) {
      const Tensor all = ops_->linear(x, *l.query_key_value);
      q = ops_->columns(all, 0, q_width);
      k = ops_->columns(all, q_width, kv_width);
      v = ops_->columns(all, q_width + kv_width, kv_width);
    } else {
      q = ops_->linear(x, *l.query), k = ops_->linear(x, *l.key), v = ops_->linear(x, *l.value);
    }
    const bool full_norm = shape.qk_norm == ModelShape::QkNorm::full;
    if (full_norm) q = head_norm(*q, *l.query_norm), k = head_norm(*k, *l.key_norm);
    q = ops_->split_heads(*std::move(q), shape.heads);
    k = ops_->split_heads(*std::move(k), shape.kv_heads);
    v = ops_->split_heads(*std::move(v), shape.kv_heads);
    if (l.query_norm && !full_norm)
      q = head_norm(*q, *l.query_norm), k = head_norm(*k, *l.key_norm);
    if (l.turns) {
      const auto& table = l.slides ? local_rope_ : rope_;
      q = ops_->rope(*std::move(q), table, s.position);
      k = ops_->rope(*std::move(k), table, s.position);
    }
    Tensor a = remembered(*std::move(q), *std::move(k), *std::move(v), l, s, cache, masks);
    return ops_->linear(ops_->merge_heads(std::move(a)), l.attention_output);
  }

  Tensor head_norm(const Tensor& x, const Tensor& weight) {
    return ops_->rms_norm(x, weight, spec_.maths.norm_epsilon);
  }

  /// Attention over what the cache holds and the new tokens, which are added to it.
  Tensor remembered(Tensor q, Tensor k, Tensor v, const Layer& l, const Step& s, Cache& cache,
                    Masks& masks) {
    auto& mask = l.slides ? masks.sliding : masks.global;
    if (!mask) mask = ops_->mask(s.visibility());
    const typename Ops::Attention how{.scale = spec_.maths.attention_scale,
                                      .softcap = spec_.maths.attention_softcap,
                                      .sinks = l.sinks ? &*l.sinks : nullptr,
                                      .mask = &*mask};
    if (s.is_plain()) {
      ops_->write(cache, s.position, std::move(k), std::move(v));
      auto [keys, values] = ops_->read(cache, s.position + s.count);
      return ops_->attention(std::move(q), std::move(keys), std::move(values), how);
    }
    if (s.count == 1) {
      ops_->write(cache, s.position % s.capacity, std::move(k), std::move(v));
      auto [keys, values] = ops_->read(cache, s.capacity);
      return ops_->attention(std::move(q), std::move(keys), std::move(values), how);
    }
    auto [keys, values] = ops_->read(cache, s.old_slots());
    Tensor all_keys = ops_->join(std::move(keys), k), all_values = ops_->join(std::move(values), v);
    Tensor a = ops_->attention(std::move(q), std::move(all_keys), std::move(all_values), how);
    write_ring(s, cache, k, v);
    return a;
  }

  /// The last tokens, as many as the ring holds, in at most two pieces.
  void write_ring(const Step& s, Cache& cache, const Tensor& k, const Tensor& v) {
    auto from = std::max<std::int64_t>(0, s.count - s.capacity);
    while (from < s.count) {
      const auto slot = (s.position + from) % s.capacity;
      const auto count = std::min(s.count - from, s.capacity - slot);
      ops_->write(cache, slot, ops_->tokens(k, from, count), ops_->tokens(v, from, count));
      from += count;
    }
  }

  Tensor gated(const Tensor& x, const Mlp& m) {
    const auto& maths = spec_.maths;
    if (m.fused) {
      const Tensor both = ops_->linear(x, m.up);
      const auto width = ops_->width(both) / 2;
      return ops_->gate(ops_->columns(both, 0, width), ops_->columns(both, width, width), maths);
    }
    Tensor up = ops_->linear(x, m.up);
    if (!m.gate) return ops_->activate(std::move(up), maths);
    return ops_->gate(ops_->linear(x, *m.gate), std::move(up), maths);
  }

  Tensor feed_forward(const Tensor& x, const Layer& l) {
    if (l.mlp) return ops_->linear(gated(x, *l.mlp), l.mlp->down);
    const Mixture& m = *l.mixture;
    Tensor y = ops_->mixture(x, ops_->linear(x, m.router), m.experts, spec_);
    if (!m.shared) return y;
    Tensor shared = ops_->linear(gated(x, *m.shared), m.shared->down);
    shared = ops_->times_sigmoid(std::move(shared), ops_->linear(x, *m.shared_gate));
    return ops_->add(std::move(y), std::move(shared));
  }

  Ops* ops_;
  Spec spec_;
  std::int64_t context_;
  typename Ops::RopeTable rope_, local_rope_;
  typename Ops::Embedding embedding_;
  std::optional<Linear> head_;
  Norm last_norm_;
  std::vector<Layer> layers_;
};

}  // namespace mlbench::model
