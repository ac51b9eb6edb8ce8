#include "store/flat_line.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace mlbench {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes one value after the other off a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  [[nodiscard]] bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  /// A string without its quotes; nullopt when it holds anything but printable ASCII.
  std::optional<std::string_view> take_string() {
    if (!take('"')) return std::nullopt;
    const auto begin = at_;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') return text_.substr(begin, at_++ - begin);
      if (c < ' ' || c > '~' || c == '\\') return std::nullopt;
    }
    return std::nullopt;
  }

  /// A string, a number, true, false, null, or a list of these, as written.
  std::optional<std::string_view> take_value() {
    skip_space();
    const auto begin = at_;
    if (at_ < text_.size() && text_[at_] == '[' ? !skip_list() : !skip_plain()) return std::nullopt;
    return text_.substr(begin, at_ - begin);
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  bool skip_list() {
    ++at_;
    if (take(']')) return true;
    do {
      skip_space();
      if (!skip_plain()) return false;
    } while (take(','));
    return take(']');
  }

  bool skip_plain() {
    if (at_ >= text_.size()) return false;
    if (text_[at_] == '"') return take_string().has_value();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return true;
      }
    }
    return skip_number();
  }

  bool skip_digits() {
    const auto begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  }

  /// JSON's grammar of numbers: no leading zeros, a digit on both sides of the point.
  bool skip_number() {
    if (text_[at_] == '-') ++at_;
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    const auto first = at_;
    if (!skip_digits() || (zero && at_ > first + 1)) return false;
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      if (!skip_digits()) return false;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      const auto exponent = at_;
      // Three digits may be out of range, which is for the general reader to say.
      if (!skip_digits() || at_ - exponent > 2) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_number(std::string_view value) {
  return !value.empty() && (is_digit(value[0]) || value[0] == '-');
}

/// Of a number as JSON writes it. What follows it in the text ends it, so the text need not end
/// there.
std::optional<double> to_double(std::string_view value) {
  const double number = std::strtod(value.data(), nullptr);
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

Error general() {
  return fail(ErrorKind::io, "left to the general reader");
}

}  // namespace

std::optional<FlatLine> FlatLine::parse(std::string_view text) {
  FlatLine line;
  Scanner scanner(text);
  if (!scanner.take('{')) return std::nullopt;
  do {
    const auto key = scanner.take_string();
    if (!key || !scanner.take(':')) return std::nullopt;
    const auto value = scanner.take_value();
    if (!value || line.count_ == kMaxFields || !line.find(*key).empty()) return std::nullopt;
    line.fields_[line.count_++] = {*key, *value};
  } while (scanner.take(','));
  if (!scanner.take('}') || !scanner.at_end()) return std::nullopt;
  return line;
}

std::string_view FlatLine::find(std::string_view key) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (fields_[i].key == key) return fields_[i].value;
  }
  return {};
}

std::optional<std::string> find_string(const FlatLine& line, std::string_view key) {
  const auto value = line.find(key);
  if (value.empty() || value[0] != '"') return std::nullopt;
  return std::string(value.substr(1, value.size() - 2));
}

std::optional<double> find_number(const FlatLine& line, std::string_view key) {
  const auto value = line.find(key);
  return is_number(value) ? to_double(value) : std::nullopt;
}

std::optional<std::int64_t> find_int(const FlatLine& line, std::string_view key) {
  const auto value = line.find(key);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (!is_number(value) || error != std::errc() || end != value.data() + value.size())
    return std::nullopt;
  return number;
}

std::optional<bool> find_bool(const FlatLine& line, std::string_view key) {
  const auto value = line.find(key);
  if (value == "true") return true;
  if (value == "false") return false;
  return std::nullopt;
}

std::vector<std::string> find_strings(const FlatLine& line, std::string_view key) {
  std::vector<std::string> strings;
  const auto value = line.find(key);
  if (value.empty() || value[0] != '[') return strings;
  Scanner scanner(value.substr(1, value.size() - 2));
  while (const auto item = scanner.take_value()) {
    if ((*item)[0] == '"') strings.emplace_back(item->substr(1, item->size() - 2));
    if (!scanner.take(',')) break;
  }
  return strings;
}

Result<std::string> get_string(const FlatLine& line, std::string_view key) {
  auto value = find_string(line, key);
  if (!value) return general();
  return *std::move(value);
}

Result<std::int64_t> get_int(const FlatLine& line, std::string_view key) {
  const auto value = find_int(line, key);
  if (!value) return general();
  return *value;
}

Result<std::vector<double>> get_numbers(const FlatLine& line, std::string_view key) {
  const auto value = line.find(key);
  if (value.empty() || value[0] != '[') return general();
  std::vector<double> numbers;
  Scanner scanner(value.substr(1, value.size() - 2));
  while (const auto item = scanner.take_value()) {
    const auto number = is_number(*item) ? to_double(*item) : std::nullopt;
    if (!number) return general();
    numbers.push_back(*number);
    if (!scanner.take(',')) break;
  }
  return numbers;
}

}  // namespace mlbench
