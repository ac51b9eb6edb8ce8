#pragma once

#include "core/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlbench::model {

/// Typed reading of one config object. The first mistake is kept and later reads return defaults,
/// so a reader of many fields asks once, at the end.
class ConfigFields {
 public:
  /// `where` is put before field names in messages: "text_config.".
  explicit ConfigFields(const Json& object, std::string where = "")
      : object_(object), where_(std::move(where)) {}

  /// An integer in [low, high]. Missing or null: `fallback`, or a mistake where there is none.
  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high,
                       std::optional<std::int64_t> fallback = std::nullopt);
  bool boolean(const char* key, bool fallback);
  /// A finite number. Missing or null: `fallback`.
  double number(const char* key, double fallback);
  /// Empty when missing or null.
  std::optional<double> number(const char* key);
  /// Empty when missing or null; every element must be a number.
  std::vector<double> numbers(const char* key);
  std::string text(const char* key, std::string fallback);
  /// Empty when missing or null; every element must be a string.
  std::vector<std::string> texts(const char* key);
  /// Empty when missing or null; every element must be an integer.
  std::vector<std::int64_t> integers(const char* key);
  [[nodiscard]] bool has(const char* key) const;
  [[nodiscard]] const Json& object() const { return object_; }

  void mistake(const char* key, const std::string& what);
  void refuse(const std::string& sentence);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  [[nodiscard]] const Json* find(const char* key) const;
  const Json& object_;
  std::string where_;
  std::optional<Error> error_;
};

}  // namespace mlbench::model
