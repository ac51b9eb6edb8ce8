#include "fit/catalogue.hpp"

#include "chips_csv.hpp"
#include "core/text.hpp"
#include "gpus_csv.hpp"

namespace mlbench::fit {
namespace {

/// Fields of each row; comments and the line of names are left out, and rows with fewer than
/// `fields`.
std::vector<std::vector<std::string_view>> rows_of(std::string_view csv, std::size_t fields) {
  std::vector<std::vector<std::string_view>> rows;
  bool named = false;
  for (const auto line : lines_of(csv)) {
    if (line.empty() || line.starts_with('#')) continue;
    auto row = split(line, ',');
    if (named && row.size() >= fields) rows.push_back(std::move(row));
    named = true;
  }
  return rows;
}

double number(std::string_view text) {
  return parse_double(text).value_or(0);
}

std::vector<Chip> load_chips() {
  std::vector<Chip> list;
  for (const auto& row : rows_of(machine::kChipsCsv, 6)) {
    Chip c{.name = std::string(row[0]),
           .gpu_cores = parse_int(row[1]).value_or(0),
           .bandwidth_bytes_per_s = number(row[2]) * 1e9,
           .memory_gib = {},
           .clock_hz = number(row[4]) * 1e9,
           .clock_assumed = row[5] == "assumed"};
    for (const auto size : split(row[3], '/')) c.memory_gib.push_back(parse_int(size).value_or(0));
    list.push_back(std::move(c));
  }
  return list;
}

std::vector<GpuCard> load_cards() {
  std::vector<GpuCard> list;
  for (const auto& row : rows_of(machine::kGpusCsv, 4)) {
    list.push_back({.name = std::string(row[0]),
                    .memory_gib = number(row[1]),
                    .bandwidth_bytes_per_s = number(row[2]) * 1e9,
                    .flop_per_s = number(row[3]) * 1e12});
  }
  return list;
}

}  // namespace

double Chip::float32_flop_per_s() const {
  constexpr double kFlopPerCoreAndCycle = 256;  // 128 multiply-adds
  return static_cast<double>(gpu_cores) * kFlopPerCoreAndCycle * clock_hz;
}

bool Chip::has_neural_accelerators() const {
  return name.starts_with("M5") || name.starts_with("M6");
}

double Chip::float16_flop_per_s() const {
  return float32_flop_per_s() * (has_neural_accelerators() ? 4 : 1);
}

std::vector<const Chip*> find_chips(std::string_view name, std::optional<std::int64_t> gpu_cores) {
  std::vector<const Chip*> found;
  for (const Chip& c : chips()) {
    if (c.name == name && (!gpu_cores || c.gpu_cores == *gpu_cores)) found.push_back(&c);
  }
  return found;
}

const std::vector<Chip>& chips() {
  static const std::vector<Chip> list = load_chips();
  return list;
}

const std::vector<GpuCard>& gpu_cards() {
  static const std::vector<GpuCard> list = load_cards();
  return list;
}

}  // namespace mlbench::fit
