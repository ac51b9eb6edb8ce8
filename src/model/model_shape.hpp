#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Does a language model fit a machine, what stands in its way, and how fast it will be: all
/// predicted, from shapes and published constants, nothing run. docs/fit.md states every formula.
namespace mlbench::model {

/// The parts of a decoder-only transformer that decide its memory and speed.
struct ModelShape {
  std::string name;  ///< As a person would call it; a file's path where it came from a file.
  std::int64_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0;
  std::int64_t intermediate = 0;            ///< Width of a dense feed-forward block.
  std::optional<std::int64_t> max_context;  ///< Tokens, as the config states it.
  std::string dtype = "bfloat16";           ///< Of the checkpoint as released.

  bool tied = false;        ///< One matrix serves as embedding and as output.
  bool gated = true;        ///< gate, up and down; false: up and down only.
  bool fused = false;       ///< q, k, v are one matrix, gate and up are one matrix (Phi-3).
  bool layer_norm = false;  ///< Norms with a bias.
  std::int64_t norms_per_layer = 2;
  enum class QkNorm {
    none,
    head,
    full
  } qk_norm = QkNorm::none;  ///< Width: head_dim, or all heads.
  bool qkv_bias = false, out_bias = false, mlp_bias = false, head_bias = false;
  bool sinks = false;  ///< One learned number a head.

  std::int64_t experts = 0;  ///< 0: no mixture of experts.
  std::int64_t experts_per_token = 0;
  std::int64_t expert_intermediate = 0;
  std::int64_t dense_layers = 0;  ///< Of a mixture: layers with a plain feed-forward block.
  std::int64_t shared_intermediate =
      0;                     ///< Width of the expert that every token passes; with a gate.
  bool router_8bit = false;  ///< mlx-lm never quantises this family's router below 8 bit.
  bool expert_bias = false;  ///< Also the router's.

  std::int64_t sliding_layers = 0;  ///< Layers that see only the last `sliding_window` tokens.
  std::int64_t sliding_window = 0;

  /// Set where the checkpoint itself is quantised in a way that `fit` knows: "4bit", "4bit-g32",
  /// "mxfp4", ...
  std::optional<std::string> quant;
  /// How the checkpoint's own weights are stored, as its config says: also "4bit-g32"; empty: as
  /// numbers.
  std::string stored;
  /// Of a GGUF file, whose tensors are of several kinds: in the file, and as this program's own
  /// decoder holds them with 16-bit numbers.
  struct TensorBytes {
    std::int64_t embedding = 0, head = 0, matrices = 0, vectors = 0;
  };
  std::optional<TensorBytes> file_bytes, held_bytes;
  /// Sentences about what the shape leaves out, e.g. an image encoder.
  std::vector<std::string> notes;

  [[nodiscard]] bool is_mixture() const { return experts > 0; }
};

/// Reads the text of a Hugging Face config.json, as transformers 4 and 5 write it; `name` goes into
/// messages and ModelShape::name. Where a family leaves a field out, transformers' default counts.
///
/// Errors: `usage`, naming the field that is missing, of another type or out of range;
/// `unsupported` for a model type that is not known here and for fields that change memory or speed
/// in a way that is not understood here (state-space and linear attention, latent attention, ...):
/// no guess is made.
[[nodiscard]] Result<ModelShape> parse_config(std::string_view text, const std::string& name);

/// `config` is a config.json, a folder that holds one, or a GGUF file. Errors as above, and
/// `io`/`usage` for files that cannot be read or are larger than any config.json (4 MiB).
[[nodiscard]] Result<ModelShape> read_config(const std::string& path);

/// A config.json as it lies on disk, or as it would be (GGUF). `path` and errors as for
/// read_config().
struct ConfigText {
  std::string file, text;
};
[[nodiscard]] Result<ConfigText> read_config_text(const std::string& path);

/// The object that describes the language model: `top` itself, or its text_config with what older
/// files state outside it.
[[nodiscard]] Json language_part(const Json& top);
[[nodiscard]] bool is_multimodal(const Json& top);

/// Whether the numbers make a model: every field in a range that exists, at most 10^15 parameters.
[[nodiscard]] Status check_shape(const ModelShape& shape);

}  // namespace mlbench::model
