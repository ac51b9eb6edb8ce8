// Numbers, durations, patterns and names as people type them.
#include "core/text.hpp"
#include "core/units.hpp"
#include "fuzz.hpp"

#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlbench;
  const auto text = fuzz::text_of(data, size);
  (void)parse_int(text);
  if (const auto number = parse_double(text)) {
    (void)format_significant(*number, 3);
    (void)format_time(*number);
    (void)format_bandwidth(*number);
    (void)format_flop_rate(*number);
    (void)format_bytes(*number);
    (void)format_flop(*number);
    (void)format_duration(*number);
  }
  if (const auto seconds = parse_duration_s(text)) fuzz::require(*seconds > 0);
  const auto middle = text.find('\n');
  const auto pattern = text.substr(0, middle);
  const auto rest = middle == std::string_view::npos ? "" : text.substr(middle + 1);
  (void)glob_match(pattern, rest);
  const std::vector<std::string> names = {"gemm_sizes", std::string(rest.substr(0, 100))};
  (void)nearest(pattern.substr(0, 100), names);
  return 0;
}
