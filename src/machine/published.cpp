#include "machine/published.hpp"

#include "chips_csv.hpp"
#include "core/text.hpp"

namespace mlbench::machine {

std::optional<Published> published_bandwidth(const Machine& machine) {
  if (!machine.cpu.name || machine.gpus.size() != 1 || !machine.gpus[0].cores) return std::nullopt;
  for (const auto line : lines_of(kChipsCsv)) {
    const auto fields = split(line, ',');
    if (line.starts_with('#') || fields.size() < 3) continue;
    if ("Apple " + std::string(fields[0]) != *machine.cpu.name) continue;
    const auto bandwidth_gb_per_s = parse_double(fields[2]);
    if (parse_int(fields[1]) != *machine.gpus[0].cores || !bandwidth_gb_per_s) continue;
    return Published{.bandwidth_bytes_per_s = *bandwidth_gb_per_s * 1e9,
                     .source = *machine.cpu.name + ", " + std::string(fields[1]) + " GPU cores"};
  }
  return std::nullopt;
}

}  // namespace mlbench::machine
