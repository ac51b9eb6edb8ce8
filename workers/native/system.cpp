#include "native/system.hpp"

#include "core/text.hpp"

#include <algorithm>

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

std::optional<std::int64_t> parse_meminfo(std::string_view text, std::string_view field) {
  const auto value = value_of_line(text, field);
  if (!value || !value->ends_with(" kB")) return std::nullopt;
  const auto kib = parse_int(trim(value->substr(0, value->size() - 3)));
  if (!kib || *kib < 0) return std::nullopt;
  return *kib * 1024;
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

std::vector<std::string> parse_cgroup(std::string_view text, std::string_view controller) {
  for (const auto line : lines_of(text)) {  // "hierarchy:controllers:path"
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto controllers = split(parts[1], ',');
    if (std::find(controllers.begin(), controllers.end(), controller) == controllers.end())
      continue;
    std::string path(line.substr(parts[0].size() + parts[1].size() + 2));
    std::vector<std::string> folders;
    while (path.size() > 1) {
      folders.push_back(path);
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
    folders.emplace_back();
    return folders;
  }
  return {};
}

}  // namespace mlbench::native
