#include "core/json.hpp"

#include <cmath>
#include <limits>

namespace mlbench {
namespace {

constexpr int kMaxDepth = 64;

/// Depth of brackets outside strings. Cheaper and safer than letting a hostile text recurse.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

const Json* field(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Error wrong(const Json& object, const char* key, const char* expected) {
  const char* what = field(object, key) == nullptr ? " is missing" : " has the wrong type";
  return fail(ErrorKind::protocol,
              "field \"" + std::string(key) + "\"" + what + ": expected " + expected);
}

template <class T>
Result<T> required(std::optional<T> value, const Json& object, const char* key,
                   const char* expected) {
  if (!value) return wrong(object, key, expected);
  return *std::move(value);
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (too_deep(text)) return fail(ErrorKind::protocol, "JSON is nested deeper than 64 levels");
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    return fail(ErrorKind::protocol, "not valid JSON at byte " + std::to_string(e.byte));
  } catch (const Json::exception& e) {  // a number out of range, for example 1e999
    return fail(ErrorKind::protocol, std::string("not usable JSON: ") + e.what());
  }
}

std::string dump_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> find_string(const Json& object, const char* key) {
  const Json* value = field(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

std::optional<double> find_number(const Json& object, const char* key) {
  const Json* value = field(object, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto number = value->get<double>();
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::int64_t> find_int(const Json& object, const char* key) {
  const Json* value = field(object, key);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() &&
      value->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::optional<bool> find_bool(const Json& object, const char* key) {
  const Json* value = field(object, key);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

std::vector<std::string> find_strings(const Json& object, const char* key) {
  std::vector<std::string> strings;
  const Json* value = field(object, key);
  if (value == nullptr || !value->is_array()) return strings;
  for (const Json& item : *value) {
    if (item.is_string()) strings.push_back(item.get<std::string>());
  }
  return strings;
}

Result<std::string> get_string(const Json& object, const char* key) {
  return required(find_string(object, key), object, key, "a string");
}

Result<double> get_number(const Json& object, const char* key) {
  return required(find_number(object, key), object, key, "a number");
}

Result<std::int64_t> get_int(const Json& object, const char* key) {
  return required(find_int(object, key), object, key, "an integer");
}

Result<bool> get_bool(const Json& object, const char* key) {
  return required(find_bool(object, key), object, key, "true or false");
}

Result<std::vector<double>> get_numbers(const Json& object, const char* key) {
  const Json* value = field(object, key);
  if (value == nullptr || !value->is_array()) return wrong(object, key, "a list of numbers");
  std::vector<double> numbers;
  numbers.reserve(value->size());
  for (const Json& item : *value) {
    if (!item.is_number() || !std::isfinite(item.get<double>())) {
      return wrong(object, key, "a list of finite numbers");
    }
    numbers.push_back(item.get<double>());
  }
  return numbers;
}

}  // namespace mlbench
