#include "native/system.hpp"

#include "core/text.hpp"

namespace mlbench::native {
namespace {

/// The text behind "field:" of the first line that starts with it.
std::optional<std::string_view> value_of_line(std::string_view text, std::string_view field) {
  for (const auto line : lines_of(text)) {
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == field) {
      return trim(line.substr(colon + 1));
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto parts = split(trim(text), ' ');
  if (parts.size() != 2) return std::nullopt;
  const auto quota = parse_int(parts[0]), period = parse_int(parts[1]);
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<std::int64_t> parse_cache_size(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  const int shift = text.back() == 'K' ? 10 : text.back() == 'M' ? 20 : 0;
  if (shift != 0) text.remove_suffix(1);
  const auto value = parse_int(text);
  if (!value || *value <= 0 || *value > (1LL << 40)) return std::nullopt;
  return *value << shift;
}

std::optional<std::string> parse_cpuinfo(std::string_view text, std::string_view field) {
  const auto value = value_of_line(text, field);
  if (!value || value->empty()) return std::nullopt;
  return std::string(*value);
}

}  // namespace mlbench::native
