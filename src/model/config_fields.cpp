#include "model/config_fields.hpp"

#include <cmath>
#include <string_view>

namespace mlbench::model {

const Json* ConfigFields::find(const char* key) const {
  const auto it = object_.find(key);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

bool ConfigFields::has(const char* key) const {
  return find(key) != nullptr;
}

void ConfigFields::mistake(const char* key, const std::string& what) {
  if (!error_) error_ = fail(ErrorKind::usage, where_ + key + " " + what);
}

void ConfigFields::refuse(const std::string& sentence) {
  if (!error_) error_ = fail(ErrorKind::unsupported, sentence);
}

namespace {

/// The value when it is a whole number that int64 holds.
std::optional<std::int64_t> whole(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto n = value.get<std::uint64_t>();
    if (n > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(n);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return std::nullopt;
}

}  // namespace

std::int64_t ConfigFields::integer(const char* key, std::int64_t low, std::int64_t high,
                                   std::optional<std::int64_t> fallback) {
  const Json* value = find(key);
  if (value == nullptr) {
    if (!fallback) mistake(key, "is missing: without it the model's size is not known");
    return fallback.value_or(low);
  }
  const auto n = whole(*value);
  if (!n || *n < low || *n > high) {
    mistake(key,
            "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return fallback.value_or(low);
  }
  return *n;
}

bool ConfigFields::boolean(const char* key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) mistake(key, "must be true or false");
  return value->is_boolean() ? value->get<bool>() : fallback;
}

std::optional<double> ConfigFields::number(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    mistake(key, "must be a number");
    return std::nullopt;
  }
  return value->get<double>();
}

double ConfigFields::number(const char* key, double fallback) {
  return number(key).value_or(fallback);
}

std::vector<double> ConfigFields::numbers(const char* key) {
  std::vector<double> list;
  const Json* value = find(key);
  if (value == nullptr) return list;
  if (!value->is_array()) mistake(key, "must be a list");
  for (const Json& item : *value) {
    if (!item.is_number()) mistake(key, "must be a list of numbers");
    if (item.is_number()) list.push_back(item.get<double>());
  }
  return list;
}

std::string ConfigFields::text(const char* key, std::string fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_string()) mistake(key, "must be a text in quotes");
  return value->is_string() ? value->get<std::string>() : fallback;
}

std::vector<std::string> ConfigFields::texts(const char* key) {
  std::vector<std::string> list;
  const Json* value = find(key);
  if (value == nullptr) return list;
  if (!value->is_array()) mistake(key, "must be a list");
  for (const Json& item : *value) {
    if (!item.is_string()) mistake(key, "must be a list of texts");
    if (item.is_string()) list.push_back(item.get<std::string>());
  }
  return list;
}

std::vector<std::int64_t> ConfigFields::integers(const char* key) {
  std::vector<std::int64_t> list;
  const Json* value = find(key);
  if (value == nullptr) return list;
  if (!value->is_array()) mistake(key, "must be a list");
  for (const Json& item : *value) {
    const auto n = whole(item);
    if (!n) mistake(key, "must be a list of whole numbers");
    if (n) list.push_back(*n);
  }
  return list;
}

}  // namespace mlbench::model
