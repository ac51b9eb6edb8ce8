#pragma once

#include "core/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench {

/// A JSON object of plain values and lists of plain values, read without building a tree: nearly
/// all lines of a journal are of this kind, and a large collection is read several times faster for
/// it. Whatever is not that simple (objects in it, escapes or other letters in strings, a key
/// twice, anything that is not quite JSON) is left to parse_json(), which also words the errors.
class FlatLine {
 public:
  /// nullopt for a text that is not that simple. The text must outlive this.
  [[nodiscard]] static std::optional<FlatLine> parse(std::string_view text);

  /// The value of `key` as it is written, with its quotes or brackets; empty when there is none.
  [[nodiscard]] std::string_view find(std::string_view key) const;

 private:
  struct Field {
    std::string_view key, value;
  };
  static constexpr std::size_t kMaxFields = 24;
  std::array<Field, kMaxFields> fields_;
  std::size_t count_ = 0;
};

// The same as the functions of core/json.hpp of these names. The errors of get_... say nothing: the
// general reader words them.
[[nodiscard]] std::optional<std::string> find_string(const FlatLine& line, std::string_view key);
[[nodiscard]] std::optional<double> find_number(const FlatLine& line, std::string_view key);
[[nodiscard]] std::optional<std::int64_t> find_int(const FlatLine& line, std::string_view key);
[[nodiscard]] std::optional<bool> find_bool(const FlatLine& line, std::string_view key);
[[nodiscard]] std::vector<std::string> find_strings(const FlatLine& line, std::string_view key);
[[nodiscard]] Result<std::string> get_string(const FlatLine& line, std::string_view key);
[[nodiscard]] Result<std::int64_t> get_int(const FlatLine& line, std::string_view key);
[[nodiscard]] Result<std::vector<double>> get_numbers(const FlatLine& line, std::string_view key);

}  // namespace mlbench
