#pragma once

#include "core/json.hpp"
#include "model/model_shape.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench::model {

/// Rotary position embedding as a config describes it: which of a head's numbers turn, and how far
/// per position.
struct Rope {
  double theta = 10000;
  double partial = 1;  ///< Share of a head's numbers that turn.
  enum class Scaling { none, linear, llama3, yarn, longrope } scaling = Scaling::none;
  double factor = 1;
  double low_frequency_factor = 1, high_frequency_factor = 4;  ///< llama3.
  double original_context = 0;                                 ///< llama3, yarn, longrope.
  double beta_fast = 32, beta_slow = 1;                        ///< yarn.
  bool truncate = true;                                        ///< yarn.
  std::optional<double> attention_factor, mscale, mscale_all_dim;
  std::vector<double> short_factor, long_factor;  ///< longrope: one number a frequency.
};

/// What a decoder computes, beside its sizes: read from the same config.json as ModelShape.
struct Maths {
  std::string family;  ///< model_type: "llama", "gemma2", ...
  double norm_epsilon = 1e-6;
  bool norm_adds_one = false;  ///< Gemma: weights are stored less one.

  enum class Activation { silu, gelu, gelu_tanh, clamped_swiglu } activation = Activation::silu;
  double swiglu_alpha = 1.702, swiglu_limit = 7;  ///< clamped_swiglu (gpt-oss).

  /// Where the norms stand. `before`: x + f(norm(x)). `around`: x + norm(f(norm(x))) (Gemma 2, 3).
  /// `after`: x + norm(f(x)) (OLMo 2). `parallel`: x + attention(norm(x)) + mlp(norm(x)) (Phi-2).
  enum class Order { before, around, after, parallel } order = Order::before;

  double embedding_scale = 1, residual_scale = 1, logit_scale = 1, attention_scale = 1;
  std::optional<double> attention_softcap, logit_softcap;  ///< cap·tanh(x / cap).

  Rope rope, local_rope;     ///< `local_rope` for layers that slide.
  std::vector<bool> slides;  ///< By layer: sees only the last ModelShape::sliding_window tokens.
  std::vector<bool> turns;   ///< By layer: has rotary embedding at all (SmolLM3 leaves some out).
  std::vector<bool> is_mixture;  ///< By layer.

  /// How a router's logits become weights: over all experts, then the best k, then (perhaps)
  /// scaled to sum to one; or over the best k alone (gpt-oss).
  bool softmax_over_chosen = false, normalise_chosen = true;
};

/// Everything that the decoder needs to know about a model.
struct Spec {
  ModelShape shape;
  Maths maths;
};

/// Reads the text of a config.json. Errors as parse_config(), and `unsupported` for an activation
/// or a rotary scaling that is not known here.
[[nodiscard]] Result<Spec> parse_spec(std::string_view text, const std::string& name);

/// `path` is a config.json, or a folder that holds one.
[[nodiscard]] Result<Spec> read_spec(const std::string& path);

/// Two models of our own of the Llama family, 32 and 122 million parameters.
inline constexpr const char* kSmallModel = "synthetic-32M";
inline constexpr const char* kMediumModel = "synthetic-122M";

/// One of our own, or a known model by name (find_model()), with its family's usual constants:
/// data/models.json holds sizes, and time does not depend on the rest.
[[nodiscard]] Result<Spec> find_spec(const std::string& name);

/// A folder, a config.json, or the name of a known model.
[[nodiscard]] Result<Spec> spec_of(const std::string& model);

/// How far each pair of a head's numbers turns per position, and the factor on what has turned.
struct RopeTable {
  std::vector<float> inverse_frequencies;
  double attention_factor = 1;
  [[nodiscard]] std::int64_t dims() const {
    return static_cast<std::int64_t>(inverse_frequencies.size()) * 2;
  }
};

/// For contexts up to `context` tokens (longrope changes beyond its original context).
///
/// Source: J. Su et al., "RoFormer", arXiv:2104.09864; B. Peng et al., "YaRN", arXiv:2309.00071,
/// section 3; the Llama 3.1 and LongRoPE scalings as transformers computes them.
[[nodiscard]] RopeTable rope_table(const Rope& rope, std::int64_t head_dim, std::int64_t context);

}  // namespace mlbench::model
