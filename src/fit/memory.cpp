#include "fit/memory.hpp"

#include <algorithm>
#include <cmath>

namespace mlbench::fit {
namespace {

constexpr double kLargest = 1152921504606846976.0;  // 2^60
// AdamW: two float32 moments; 16-bit weights also have a float32 copy that is updated.
constexpr double kMomentBytes = 8, kMasterBytes = 4;

double d(std::int64_t n) {
  return static_cast<double>(n);
}

std::int64_t element_bytes(const Format& format) {
  return format.name == "float32" ? 4 : 2;
}

/// Width of the feed-forward block that one token passes.
double widest(const model::ModelShape& s) {
  if (!s.is_mixture()) return d(s.intermediate);
  return d(s.experts_per_token) * d(s.expert_intermediate) + d(s.shared_intermediate);
}

double attention_width(const model::ModelShape& s) {
  return d(s.heads + 2 * s.kv_heads) * d(s.head_dim);
}

/// While a chunk passes one layer, its input, its residual and the wider of {q, k, v} and {gate,
/// up} live together.
double inference_activations(const model::ModelShape& s, const Load& load, const MemoryModel& m,
                             double element) {
  const double tokens = d(std::min(load.context, m.prefill_chunk)) * d(load.batch);
  return tokens * element * (2 * d(s.hidden) + std::max(attention_width(s), 2 * widest(s)));
}

/// Elements that the backward pass needs of one token in one layer: both norms' inputs and outputs,
/// q, k, v, attention's output, and in the feed-forward block gate, up, the gate's activation and
/// the product. Attention is taken as fused: its scores are not kept. After V. Korthikanti et al.,
/// arXiv:2205.05198, section 4.1, which counts the same for a block without gate.
double kept_per_token(const model::ModelShape& s) {
  const double q = d(s.heads) * d(s.head_dim), kv = d(s.kv_heads) * d(s.head_dim);
  return 4 * d(s.hidden) + 2 * q + 2 * kv + (s.gated ? 4 : 2) * widest(s);
}

double training_activations(const model::ModelShape& s, const Load& load, double element) {
  const double tokens = d(load.context) * d(load.batch);
  const double layers = load.recompute ? d(s.layers) * d(s.hidden) + kept_per_token(s)
                                       : d(s.layers) * kept_per_token(s);
  const double logits = d(s.vocab) * 8;  // float32 logits and their gradient
  return tokens * (layers * element + logits);
}

/// Rank-r pairs beside every attention and dense feed-forward matrix.
double adapter_parameters(const model::ModelShape& s, std::int64_t rank) {
  double count = 0;
  for (const auto& t : tensors_of(s)) {
    if (t.role == model::Role::attention || t.role == model::Role::mlp)
      count += d(rank) * d(t.rows + t.columns) * d(t.copies);
  }
  return count;
}

struct Largest {
  double bytes = 0;
  std::string name;
  void offer(double other, const std::string& what) {
    if (other > bytes) bytes = other, name = what;
  }
};

Largest largest_buffer(const model::ModelShape& s, const Format& f, const Load& load,
                       const MemoryModel& m, double element) {
  Largest largest;
  for (const auto& t : tensors_of(s)) largest.offer(d(bytes_of(t, f) / t.copies), t.name);
  const double tokens = d(load.batch) * d(load.context);
  if (load.training == Load::Training::none) {
    const bool slides = s.sliding_layers == s.layers;
    const double held = slides ? d(std::min(load.context, s.sliding_window)) : d(load.context);
    largest.offer(d(load.batch) * held * d(s.kv_heads) * d(s.head_dim) * element,
                  "keys of one layer");
    largest.offer(d(std::min(load.context, m.prefill_chunk)) * d(load.batch) * widest(s) * element,
                  "gate of one chunk");
  } else {
    largest.offer(tokens * d(s.vocab) * 4, "logits");
  }
  return largest;
}

struct Parts {
  double weights = 0, kv = 0, activations = 0, overhead = 0, gradients = 0, optimizer = 0,
         adapters = 0;
  [[nodiscard]] double total() const {
    return weights + kv + activations + overhead + gradients + optimizer + adapters;
  }
};

void add_training(Parts& p, const model::ModelShape& s, const Load& load, double element) {
  p.activations = training_activations(s, load, element);
  if (load.training == Load::Training::full) {
    const double parameters = d(parameter_count(s));
    p.gradients = parameters * element;
    p.optimizer = parameters * (kMomentBytes + (element < 4 ? kMasterBytes : 0));
  } else {
    const double parameters = adapter_parameters(s, load.lora_rank);
    p.adapters = parameters * 4, p.gradients = parameters * 4,
    p.optimizer = parameters * kMomentBytes;
  }
}

std::int64_t whole(double bytes) {
  return static_cast<std::int64_t>(std::llround(bytes));
}

}  // namespace

double kv_cache_bytes(const model::ModelShape& s, std::int64_t batch, std::int64_t tokens,
                      std::int64_t element_bytes) {
  const double per_token = 2 * d(s.kv_heads) * d(s.head_dim) * d(element_bytes);
  const double held = d(s.layers - s.sliding_layers) * d(tokens) +
                      d(s.sliding_layers) * d(std::min(tokens, s.sliding_window));
  return d(batch) * per_token * held;
}

Result<Need> need_of(const model::ModelShape& shape, const Format& format, const Load& load,
                     const MemoryModel& model) {
  const double element = d(element_bytes(format));
  Parts p;
  p.weights = d(weight_bytes(shape, format));
  if (load.training == Load::Training::none) {
    p.kv = kv_cache_bytes(shape, load.batch, load.context, element_bytes(format));
    p.activations = inference_activations(shape, load, model, element);
  } else {
    add_training(p, shape, load, element);
  }
  p.overhead = model.overhead_bytes + model.overhead_kv_share * p.kv;
  const Largest largest = largest_buffer(shape, format, load, model, element);
  if (!(p.total() < kLargest) || !(largest.bytes < kLargest)) {
    return fail(ErrorKind::usage, "--context " + std::to_string(load.context) + " with --batch " +
                                      std::to_string(load.batch) +
                                      " needs more memory than any machine has; lower one of them");
  }
  Need n;
  n.weights_bytes = whole(p.weights), n.kv_bytes = whole(p.kv);
  n.activation_bytes = whole(p.activations), n.overhead_bytes = whole(p.overhead);
  n.gradient_bytes = whole(p.gradients), n.optimizer_bytes = whole(p.optimizer);
  n.adapter_bytes = whole(p.adapters);
  n.total_bytes = n.weights_bytes + n.kv_bytes + n.activation_bytes + n.overhead_bytes +
                  n.gradient_bytes + n.optimizer_bytes + n.adapter_bytes;
  n.largest_buffer_bytes = whole(largest.bytes), n.largest_buffer = largest.name;
  return n;
}

}  // namespace mlbench::fit
