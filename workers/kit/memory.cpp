#include "kit/memory.hpp"

#include "core/text.hpp"
#include "core/units.hpp"

namespace mlbench::kit {

void require_memory(std::int64_t needed_bytes, std::optional<std::int64_t> available_bytes) {
  if (!available_bytes || needed_bytes <= *available_bytes) return;
  throw OutOfMemory("needs " + format_bytes(static_cast<double>(needed_bytes)) +
                    " of memory, and " + format_bytes(static_cast<double>(*available_bytes)) +
                    " are available");
}

std::optional<std::int64_t> meminfo_bytes(std::string_view text, std::string_view name) {
  for (const auto line : lines_of(text)) {
    if (line.size() <= name.size() || !line.starts_with(name) || line[name.size()] != ':') continue;
    auto value = trim(line.substr(name.size() + 1));
    if (!value.ends_with(" kB")) return std::nullopt;
    const auto kib = parse_int(trim(value.substr(0, value.size() - 3)));
    if (!kib) return std::nullopt;
    return *kib * 1024;
  }
  return std::nullopt;
}

}  // namespace mlbench::kit
