#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "model/weights.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Models as llama.cpp stores them: one file of metadata and of matrices in quantised blocks.
///
/// Source: github.com/ggml-org/ggml, docs/gguf.md (the file), src/ggml-common.h (the blocks).
namespace mlbench::model {

/// A type of tensor in a GGUF file. Its numbers come in blocks; where `bits` is not 0, a number is
/// scale·q + offset with q of so many bits, and `group` numbers share a scale and an offset.
struct GgufType {
  std::uint32_t id = 0;
  std::string_view name;  ///< "q4_0".
  std::int64_t block = 1, block_bytes = 4;
  int bits = 0, group = 0;
};

/// All types whose size is known; not all of them can be read (Q2_K).
[[nodiscard]] const GgufType* find_gguf_type(std::uint32_t id) noexcept;
[[nodiscard]] const GgufType* find_gguf_type(std::string_view name) noexcept;

/// The numbers of a block of a type with `bits`: block values in `q`, block / group in the others.
void unpack_gguf_block(const GgufType& type, const std::byte* block, std::uint8_t* q, float* scales,
                       float* offsets);

/// A tensor of a file, checked: it lies inside the file.
struct GgufEntry {
  const GgufType* type = nullptr;
  std::vector<std::int64_t> shape;  ///< Row-major.
  std::uint64_t begin = 0;          ///< Bytes, from the start of the file.

  [[nodiscard]] std::int64_t elements() const;
  [[nodiscard]] std::int64_t bytes() const { return elements() / type->block * type->block_bytes; }
};

struct GgufHeader {
  /// Numbers, booleans, texts and short arrays of numbers by their keys; of other arrays (the words
  /// of a tokenizer) only how many there are.
  Json metadata = Json::object();
  std::map<std::string, GgufEntry> tensors;
};

/// Reads the header of a file that lies in memory whole. Errors: `usage`, one sentence, for
/// anything that the format does not allow (not GGUF, versions other than 2 and 3, cut off,
/// lengths or shapes beyond the file, a tensor twice or outside the file), and for unknown types.
[[nodiscard]] Result<GgufHeader> parse_gguf(std::string_view file);

/// What Hugging Face's config.json would say of the model: `file` is the file's bytes, which
/// `header` describes. Errors: `unsupported` for an architecture, a rotary scaling or a part of a
/// split file that is not known here.
[[nodiscard]] Result<std::string> gguf_config(const GgufHeader& header, std::string_view file);

/// The types of the layers' matrices that hold most numbers, as --quant names them: "q4_0"; empty
/// where they are not quantised.
[[nodiscard]] std::string main_type(const GgufHeader& header);

/// Whether `path` names such a file (by its ending).
[[nodiscard]] bool is_gguf(const std::string& path);

/// gguf_config() of a file. Errors as above, and `io` where it cannot be opened.
[[nodiscard]] Result<std::string> read_gguf_config(const std::string& path);

/// Tensors under their Hugging Face names and in their order of rows. 4- and 8-bit types in groups
/// of 32 become MLX's affine packing with scales in `dtype`, as MLX's own reader does it; others
/// become numbers. Errors as above.
[[nodiscard]] Result<std::unique_ptr<Weights>> gguf_weights(const std::string& path, DType dtype);

/// Bytes of a tensor as this program's decoder holds it, numbers and scales in `dtype`.
[[nodiscard]] std::int64_t held_bytes(const GgufEntry& entry, DType dtype);

/// Whether a matrix of this type stays packed.
[[nodiscard]] bool stays_packed(const GgufType& type) noexcept;

}  // namespace mlbench::model
