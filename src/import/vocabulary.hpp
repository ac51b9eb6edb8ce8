#pragma once

#include "import/rows.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The words of result files: what a field's name says of its unit and of what it measures.
namespace mlbench::importing {

/// A field's name taken apart: "attention_backward_ms" is operation "attention_backward", time,
/// 1e-3.
struct FieldName {
  std::string operation;  ///< What is left beside unit and role.
  std::string role;       ///< "std", "peak", "theoretical", ...; empty for a main figure.
  Quantity quantity = Quantity::time;
  double scale = 1;  ///< To SI units.
};

/// nullopt for a name that does not end in a unit or quantity.
[[nodiscard]] std::optional<FieldName> parse_field_name(std::string_view name);

struct Subject {
  std::string framework, device;
};
/// "pytorch_mps" is torch on mps; nullopt for anything that names no framework.
[[nodiscard]] std::optional<Subject> parse_subject(std::string_view text);

/// "float16" for "float16", "fp16", "half", ...; nullopt for anything else.
[[nodiscard]] std::optional<std::string> parse_dtype_word(std::string_view text);

/// Bits a weight of a dtype or quantisation takes at least; nullopt for an unknown name.
[[nodiscard]] std::optional<double> bits_per_weight(std::string_view text);

/// "gemm" of "gemm_512x512", "attention" of "attention_seq512", "read" of "sequential_read".
[[nodiscard]] std::string operation_of_name(std::string_view name);

/// Lower case, for comparisons of words.
[[nodiscard]] std::string lower(std::string_view text);

}  // namespace mlbench::importing
