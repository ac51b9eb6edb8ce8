#pragma once

#include "core/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench {

/// Keeps the order in which keys were added, so that journals and `--json` read as they were
/// written.
using Json = nlohmann::ordered_json;

/// Parses one JSON text. Errors: `protocol`, with the byte at which parsing stopped; never throws.
/// Texts nested deeper than 64 levels are refused, because the parser recurses.
[[nodiscard]] Result<Json> parse_json(std::string_view text);

/// One line of UTF-8 without a newline. Invalid UTF-8 is replaced by U+FFFD, and a number that is
/// not finite becomes null (JSON has neither).
[[nodiscard]] std::string dump_json(const Json& json);

// Typed access to a field of an object. `get_*` fails with `protocol` and names the field when it
// is missing or of another type; `find_*` returns nullopt when it is missing, null or of another
// type.

[[nodiscard]] Result<std::string> get_string(const Json& object, const char* key);
[[nodiscard]] Result<double> get_number(const Json& object, const char* key);
[[nodiscard]] Result<std::int64_t> get_int(const Json& object, const char* key);
[[nodiscard]] Result<bool> get_bool(const Json& object, const char* key);
/// Every element must be a finite number.
[[nodiscard]] Result<std::vector<double>> get_numbers(const Json& object, const char* key);

[[nodiscard]] std::optional<std::string> find_string(const Json& object, const char* key);
[[nodiscard]] std::optional<double> find_number(const Json& object, const char* key);
[[nodiscard]] std::optional<std::int64_t> find_int(const Json& object, const char* key);
[[nodiscard]] std::optional<bool> find_bool(const Json& object, const char* key);
[[nodiscard]] std::vector<std::string> find_strings(const Json& object, const char* key);

/// null for nullopt: "unknown" in every document of this project.
template <class T>
[[nodiscard]] Json to_json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace mlbench
