#pragma once

#include "core/json.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// One list of a struct's fields serves both directions: `each_field(self, f)` calls
/// `f("name", self.name)` for every field in the order in which it is written.
namespace mlbench::machine::detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
concept Scalar = std::same_as<T, std::string> || std::same_as<T, std::int64_t> ||
    std::same_as<T, double> || std::same_as<T, bool>;

template <class T>
Json write_fields(const T& object);

template <class T>
Json write_value(const T& value) {
  if constexpr (IsOptional<T>::value) {
    return value ? write_value(*value) : Json(nullptr);
  } else if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(write_value(item));
    return list;
  } else if constexpr (Scalar<T>) {
    return Json(value);
  } else {
    return write_fields(value);
  }
}

template <class T>
Json write_fields(const T& object) {
  Json json = Json::object();
  each_field(object, [&](const char* key, const auto& value) { json[key] = write_value(value); });
  return json;
}

template <class T>
void read_fields(const Json& json, T& object);

inline void read_scalar(const Json& json, const char* key, std::optional<std::string>& value) {
  value = find_string(json, key);
}
inline void read_scalar(const Json& json, const char* key, std::optional<std::int64_t>& value) {
  value = find_int(json, key);
}
inline void read_scalar(const Json& json, const char* key, std::optional<double>& value) {
  value = find_number(json, key);
}
inline void read_scalar(const Json& json, const char* key, std::optional<bool>& value) {
  value = find_bool(json, key);
}

/// The value under `key` when it is an object or a list, else nullptr.
inline const Json* find_part(const Json& json, const char* key) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(key);
  return it == json.end() || !it->is_structured() ? nullptr : &*it;
}

template <class T>
void read_list(const Json& json, const char* key, std::vector<T>& list) {
  if constexpr (std::same_as<T, std::string>) {
    list = find_strings(json, key);
  } else if (const Json* part = find_part(json, key); part != nullptr && part->is_array()) {
    for (const Json& item : *part) {
      if (item.is_object()) read_fields(item, list.emplace_back());
    }
  }
}

template <class T>
void read_value(const Json& json, const char* key, T& value) {
  if constexpr (IsVector<T>::value) {
    read_list(json, key, value);
  } else if constexpr (IsOptional<T>::value) {
    using Inner = typename T::value_type;
    if constexpr (Scalar<Inner>) {
      read_scalar(json, key, value);
    } else if (const Json* part = find_part(json, key);
               part != nullptr && part->is_array() == IsVector<Inner>::value) {
      read_value(json, key, value.emplace());
    }
  } else if (const Json* part = find_part(json, key)) {
    read_fields(*part, value);
  }
}

template <class T>
void read_fields(const Json& json, T& object) {
  each_field(object, [&](const char* key, auto& value) { read_value(json, key, value); });
}

}  // namespace mlbench::machine::detail
