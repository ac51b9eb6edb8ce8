#include "recording.hpp"

#include "core/json.hpp"

#include <fstream>

namespace mlbench::calibration {

const std::vector<Work>& works() {
  // 3 and 5 % more multiply-adds by a longer inner dimension.
  static const std::vector<Work> all = {
      {.name = "1ms", .m = 448, .n = 448, .k = {{"a", 448}, {"b3", 461}, {"b5", 470}}},
      {.name = "20ms", .m = 1024, .n = 1024, .k = {{"a", 1024}, {"b3", 1055}, {"b5", 1075}}}};
  return all;
}

std::string kind_of(const std::string& side) {
  return side.substr(0, side.find('-'));
}

namespace {

Result<Series> series_from(const Json& json) {
  const auto work = get_string(json, "work"), side = get_string(json, "side");
  if (!work) return work.error();
  if (!side) return side.error();
  Series s{.work = *work,
           .side = *side,
           .unit = static_cast<int>(find_int(json, "unit").value_or(0)),
           .start_s = find_number(json, "start_s").value_or(0),
           .warm_s = find_number(json, "warm_s").value_or(0),
           .measure_s = find_number(json, "measure_s").value_or(0),
           .blocks_s = {}};
  if (!json.contains("blocks_ns")) return fail(ErrorKind::io, "field \"blocks_ns\" is missing");
  for (const Json& block : json["blocks_ns"]) {
    auto samples = get_numbers(Json{{"block", block}}, "block");
    if (!samples) return samples.error();
    for (double& t : *samples) t *= 1e-9;
    s.blocks_s.push_back(*std::move(samples));
  }
  return s;
}

}  // namespace

Result<Recording> load(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return fail(ErrorKind::io, path.string() + ": cannot be read");
  Recording recording;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const auto where = path.string() + ": line " + std::to_string(number);
    auto json = parse_json(line);
    if (!json) return std::move(json.error()).in(where);
    auto series = series_from(*json);
    if (!series) return std::move(series.error()).in(where);
    const bool sequential = find_string(*json, "design") == "sequential";
    (sequential ? recording.sequential : recording.interleaved).push_back(*std::move(series));
  }
  return recording;
}

}  // namespace mlbench::calibration
