#include "import/machine_text.hpp"

#include "core/text.hpp"
#include "fit/catalogue.hpp"
#include "import/vocabulary.hpp"

#include <algorithm>
#include <cctype>
#include <regex>

namespace mlbench::importing {
namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// Whether `name` stands in `text` as words; both in lower case.
bool holds(std::string_view text, std::string_view name) {
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if ((at == 0 || !is_word_char(text[at - 1])) &&
        (end == text.size() || !is_word_char(text[end])))
      return true;
  }
  return false;
}

/// Also without the space: "RTX4090" is RTX 4090.
bool names_card(std::string_view text, std::string_view name) {
  std::string close(name);
  std::erase(close, ' ');
  return holds(text, name) || holds(text, close);
}

std::optional<std::int64_t> first_number(const std::string& text, const char* pattern) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex(pattern))) return std::nullopt;
  return parse_int(match[1].str());
}

}  // namespace

MachineFacts machine_in_text(std::string_view text) {
  MachineFacts facts;
  facts.text = std::string(text.substr(0, 300));
  const std::string words = lower(facts.text);
  const auto take = [&](const std::string& name, bool found) {
    if (found && name.size() > facts.chip.size()) facts.chip = name;
  };
  for (const auto& c : fit::chips()) take(c.name, holds(words, lower(c.name)));
  for (const auto& c : fit::gpu_cards()) take(c.name, names_card(words, lower(c.name)));
  if (!facts.is_known()) return facts;
  facts.gpu_cores = first_number(words, R"(\b(\d{1,3})[- ]?(?:core )?gpu\b)");
  if (!facts.gpu_cores) facts.gpu_cores = first_number(words, R"(\b(\d{1,3})[- ]?gpu[- ]cores?\b)");
  if (const auto gib = first_number(words, R"(\b(\d{1,4}) ?gi?b\b)"); gib && *gib > 0)
    facts.memory_bytes = *gib << 30;
  return facts;
}

}  // namespace mlbench::importing
