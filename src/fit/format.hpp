#pragma once

#include "model/tensors.hpp"

#include <cstdint>
#include <string>

namespace mlbench::fit {

/// How weights are stored.
struct Format {
  enum class Kind {
    plain,  ///< Every tensor in one dtype, as a Hugging Face checkpoint.
    gguf,   ///< llama.cpp: matrices in blocks, vectors and routers in float32, the output in Q6_K.
    mlx,    ///< mlx-lm: linear layers and embeddings in groups along a row; vectors at 16 bit.
    torch   ///< PyTorch weight-only kernels: linear layers; embedding, routers and vectors at 16
            ///< bit.
  };
  std::string name;  ///< "float16", "q4_0", "4bit", "int8", ...
  Kind kind = Kind::plain;
  int bits = 16;              ///< Of one weight, without scales.
  int group = 0;              ///< Weights that share a scale; 0: a whole row.
  int group_bits = 0;         ///< Scale and offset of one group.
  bool experts_only = false;  ///< As gpt-oss is released: only the experts are quantised.
  /// A GGUF file's kind as this program's own decoder holds it in another runtime (docs/llm.md,
  /// "GGUF"): packed in groups of 32, or numbers (bits 16).
  bool from_gguf = false;

  [[nodiscard]] bool is_quantised() const {
    return from_gguf || (kind != Kind::plain && bits < 16);
  }
};

/// Exact bytes of the tensor (all its copies) in this format, without a file's header.
[[nodiscard]] std::int64_t bytes_of(const model::Tensor& tensor, const Format& format);
/// Of the whole model.
[[nodiscard]] std::int64_t weight_bytes(const model::ModelShape& shape, const Format& format);
/// That one decoding step of `batch` tokens reads.
[[nodiscard]] double weight_bytes_read(const model::ModelShape& shape, const Format& format,
                                       std::int64_t batch);

/// The format that --dtype `text` names: float32, float16, bfloat16 (f32, fp16, bf16, ...).
[[nodiscard]] Result<Format> parse_dtype(const std::string& text);

/// The format that --quant `text` names for `runtime` ("torch", "mlx", "mlx-lm", "llama.cpp");
/// "4bit" and "8bit" are each runtime's own, "4bit-g32" is 4bit with a scale for 32 weights. torch
/// and mlx also have the GGUF kind that the model's own file is stored in. Errors: `usage`, naming
/// what that runtime has.
[[nodiscard]] Result<Format> parse_quant(const std::string& text, const std::string& runtime,
                                         const model::ModelShape& shape);

/// The runtime that alone knows this kind of quantisation ("q4_0" is llama.cpp's); empty: several
/// do.
[[nodiscard]] std::string runtime_of_quant(const std::string& text);

}  // namespace mlbench::fit
