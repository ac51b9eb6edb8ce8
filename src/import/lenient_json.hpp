#pragma once

#include "core/json.hpp"

namespace mlbench::importing {

struct LenientJson {
  Json root;
  bool strict = true;  ///< false: the text held NaN or Infinity, which JSON does not have.
};

/// JSON as Python's json module writes it: NaN, Infinity and -Infinity become the strings of that
/// spelling. Errors: as parse_json().
[[nodiscard]] Result<LenientJson> parse_lenient_json(std::string_view text);

/// One JSON text a line, as a list. Errors: as parse_json(), with the line's number.
[[nodiscard]] Result<LenientJson> parse_json_lines(std::string_view text);

/// Whether `leaf` is NaN or infinite, in any of the usual spellings.
[[nodiscard]] bool is_not_finite(const Json& leaf);

/// The number that a leaf holds, also one written as text (as tables hold them); nullopt for
/// anything else.
[[nodiscard]] std::optional<double> number_in(const Json& leaf);

}  // namespace mlbench::importing
