#pragma once

#include "model/weights.hpp"

#include <optional>
#include <vector>

/// A checkpoint's tensors by what they are for, whatever they are called in the file.
namespace mlbench::model {

/// y = x·Wᵀ + bias with W [out, in]. Where the checkpoint is quantised as MLX does it, `weight` is
/// the packed U32 matrix and `scales` (and `offsets`, MLX's "biases") hold one number a group.
struct StoredLinear {
  HostTensor weight;
  std::optional<HostTensor> bias, scales, offsets;
  std::int64_t rows = 0, columns = 0;
};

struct StoredNorm {
  HostTensor weight;
  std::optional<HostTensor> bias;
};

/// gate is empty where the block is not gated; with `fused`, `up` holds gate and up, one after the
/// other.
struct StoredMlp {
  std::optional<StoredLinear> gate;
  StoredLinear up, down;
  bool fused = false;
};

struct StoredMixture {
  StoredLinear router;
  std::vector<StoredMlp> experts;
  std::optional<StoredMlp> shared;
  std::optional<StoredLinear> shared_gate;
};

struct StoredLayer {
  /// Before attention, after it, before the feed-forward block, after it; each where the order
  /// (Maths::Order) has it.
  std::optional<StoredNorm> before_attention, after_attention, before_mlp, after_mlp;
  std::optional<StoredLinear> query, key, value;
  std::optional<StoredLinear> query_key_value;  ///< Where these are one matrix.
  StoredLinear attention_output;
  std::optional<HostTensor> query_norm, key_norm, sinks;
  std::optional<StoredMlp> mlp;
  std::optional<StoredMixture> mixture;
};

struct StoredEnds {
  StoredLinear embedding;            ///< [vocab, hidden], no bias.
  std::optional<StoredLinear> head;  ///< Empty where the embedding serves.
  StoredNorm last_norm;
};

/// Errors: `usage`, naming the tensor that is missing or not of the shape that the config implies.
[[nodiscard]] Result<StoredLayer> load_layer(const Spec& spec, const Weights& weights,
                                             std::int64_t layer);
[[nodiscard]] Result<StoredEnds> load_ends(const Spec& spec, const Weights& weights);

}  // namespace mlbench::model
