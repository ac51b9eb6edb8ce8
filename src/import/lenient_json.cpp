#include "import/lenient_json.hpp"

#include "core/text.hpp"

#include <array>
#include <cctype>
#include <cmath>

namespace mlbench::importing {
namespace {

constexpr std::array<std::string_view, 3> kWords = {"NaN", "-Infinity", "Infinity"};

/// `text` with quotes around the words that Python writes for numbers that JSON lacks.
std::string quote_words(std::string_view text, bool& found) {
  std::string out;
  out.reserve(text.size() + 64);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      out.push_back(c);
      if (c == '\\' && i + 1 < text.size()) {
        out.push_back(text[++i]);
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    bool is_word = false;
    for (const auto word : kWords) {
      if (text.substr(i, word.size()) != word) continue;
      out += '"' + std::string(word) + '"';
      i += word.size() - 1;
      found = is_word = true;
      break;
    }
    if (is_word) continue;
    in_string = c == '"';
    out.push_back(c);
  }
  return out;
}

}  // namespace

Result<LenientJson> parse_lenient_json(std::string_view text) {
  bool found = false;
  auto root = parse_json(quote_words(text, found));
  if (!root) return root.error();
  return LenientJson{.root = *std::move(root), .strict = !found};
}

Result<LenientJson> parse_json_lines(std::string_view text) {
  LenientJson all{.root = Json::array()};
  int number = 0;
  for (const auto line : lines_of(text)) {
    ++number;
    if (trim(line).empty()) continue;
    auto json = parse_lenient_json(line);
    if (!json) return std::move(json).error().in("line " + std::to_string(number));
    all.strict = all.strict && json->strict;
    all.root.push_back(std::move(json->root));
  }
  return all;
}

bool is_not_finite(const Json& leaf) {
  if (leaf.is_number_float()) return !std::isfinite(leaf.get<double>());
  if (!leaf.is_string()) return false;
  const auto& text = leaf.get_ref<const std::string&>();
  if (text.size() > 12) return false;
  std::string word;
  for (const char c : trim(text)) {
    if (c == '+' || c == '-' || c == '%') continue;
    word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return word == "nan" || word == "inf" || word == "infinity";
}

std::optional<double> number_in(const Json& leaf) {
  if (leaf.is_number()) {
    const auto value = leaf.get<double>();
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
  }
  if (!leaf.is_string()) return std::nullopt;
  const auto value = parse_double(trim(leaf.get_ref<const std::string&>()));
  return value && std::isfinite(*value) ? value : std::nullopt;
}

}  // namespace mlbench::importing
