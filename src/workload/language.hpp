#pragma once

#include "model/weights.hpp"
#include "workload/workload.hpp"

#include <memory>
#include <optional>
#include <string>

/// What language models do, as cases: `prefill` reads a prompt, `decode` writes tokens, `block` is
/// one layer. Param "model" is a known name (weights are then invented, from the seed of the case),
/// a config.json (likewise), or a folder or GGUF file with weights. Param "quant" is the
/// Quantisation to make, or how the checkpoint's own weights are stored (ModelShape::stored), which
/// is then stated for whoever reads the case; the dtype is that of everything else.
namespace mlbench::workload {

/// Longer prompts are read in pieces of so many tokens, as mlx-lm does, so that activations stay
/// small.
inline constexpr std::int64_t kPrefillChunk = 2048;

/// A language case, read.
struct LanguageCase {
  std::shared_ptr<const model::Spec> spec;
  std::string model;                         ///< As given.
  std::optional<model::Quantisation> quant;  ///< To make of dense weights.
  std::string stored;   ///< How the checkpoint's own weights are quantised; empty: they are not.
  bool packed = false;  ///< Matrices are multiplied as they are packed, by a kernel for that.
  std::int64_t batch = 1;
  std::int64_t position = 0;  ///< Tokens that the caches hold before the call.
  std::int64_t tokens = 0;    ///< Tokens of each sequence that one call adds.
  bool decodes = false;       ///< One after the other, each chosen from the logits before.
  bool block = false;         ///< One layer, from activations to activations.

  [[nodiscard]] std::int64_t context() const { return position + tokens; }
};
/// `c` must be one of these workloads, made by make_case().
[[nodiscard]] LanguageCase language_case(const Case& c);
[[nodiscard]] bool is_language(std::string_view workload) noexcept;

/// The weights that the case means. Errors: those of model::checkpoint_weights().
[[nodiscard]] Result<std::unique_ptr<model::Weights>> weights_of(const LanguageCase& l, DType dtype,
                                                                 std::uint64_t seed);

/// The token at `position` of sequence `sequence`: what is read, and what decode is made to write,
/// so that every framework computes the same whatever its rounding.
[[nodiscard]] std::int32_t token_of(const LanguageCase& l, std::uint64_t seed,
                                    std::int64_t sequence, std::int64_t position);

/// What the cache of `layer` holds before a call of decode: invented numbers in [-1, 1), since
/// time does not depend on them. Shape [batch, kv_heads, min(position, capacity), head_dim]; token
/// p in slot p % capacity.
enum class CachePart { keys, values };
[[nodiscard]] model::HostTensor cache_content(const LanguageCase& l, std::uint64_t seed,
                                              std::int64_t layer, CachePart part,
                                              std::int64_t capacity, DType dtype);

/// Bytes of weights and of caches as the case holds them. Exact but for quantised vectors.
[[nodiscard]] std::int64_t weight_bytes(const LanguageCase& l, DType dtype);
[[nodiscard]] std::int64_t cache_bytes(const LanguageCase& l, DType dtype);

/// Memory beside inputs and output that a process holds for a language case: weights, caches, and
/// the widest activations.
[[nodiscard]] std::int64_t language_bytes(const Case& c);

/// The output of a language case, computed in double precision. Slow: some 10^9 FLOP/s.
[[nodiscard]] Result<std::vector<double>> language_reference(const Case& c, std::uint64_t seed);

/// The base of the three.
class Language : public Workload {
 public:
  [[nodiscard]] Status validate(const Case& c) const override;
  [[nodiscard]] std::string shape_id(const Case& c) const override;
  [[nodiscard]] std::string label(const Case& c) const override;
  [[nodiscard]] Work work(const Case& c) const override;
  [[nodiscard]] std::vector<TensorSpec> inputs(const Case& c) const override;
  /// prefill and decode: the logits [batch, vocab] that follow the last token; block: [batch, seq,
  /// hidden].
  [[nodiscard]] TensorSpec output(const Case& c) const override;
  /// Up to 4·10^10 FLOP every number is compared with the same decoder in double precision; beyond
  /// that with the first framework's answer, which must be finite and must not be flat.
  [[nodiscard]] std::unique_ptr<Checker> make_checker(const Case& c,
                                                      std::uint64_t seed) const override;
  /// A small model in the default run; a block of Mistral-7B, and all of Qwen2.5-0.5B with invented
  /// weights, over lengths; --full.
  [[nodiscard]] std::vector<Family> families(const Catalogue& catalogue) const override;
};

/// Reads "prompt" tokens of "batch" sequences and says which comes next. tokens/s counts all of the
/// prompt's tokens.
class Prefill final : public Language {
 public:
  [[nodiscard]] std::string_view name() const override { return "prefill"; }
};

/// Writes "tokens" tokens to each of "batch" sequences behind "depth" tokens that the cache holds.
class Decode final : public Language {
 public:
  [[nodiscard]] std::string_view name() const override { return "decode"; }
};

/// One transformer block of "model" on "batch" sequences of "seq" tokens.
class TransformerBlock final : public Language {
 public:
  [[nodiscard]] std::string_view name() const override { return "block"; }
};

}  // namespace mlbench::workload
