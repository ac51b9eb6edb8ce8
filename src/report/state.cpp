#include "report/state.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mlbench::report {
namespace {

using compare::CaseConditions;

std::string percent(const std::optional<double>& share) {
  if (!share) return {};
  return *share >= 0.0005 && *share < 0.0995 ? fmt::format("{:.1f} %", 100 * *share)
                                             : fmt::format("{:.0f} %", 100 * *share);
}

std::string number(const std::optional<double>& value, const char* unit) {
  return value ? fmt::format("{:.0f}{}", *value, unit) : "";
}

std::string clock(const std::optional<double>& hz) {
  return hz ? fmt::format("{:.2f} GHz", *hz / 1e9) : "";
}

/// Involuntary switches a second of each subject that was measured: "12 / 30".
std::string switches(const Row& row) {
  std::vector<std::string> words;
  bool known = false;
  for (const Entry& e : row.entries) {
    if (e.status != store::CaseStatus::ok) continue;
    known = known || e.conditions.switches_per_s;
    words.push_back(e.conditions.switches_per_s ? number(e.conditions.switches_per_s, "") : "-");
  }
  return known ? join(words, " / ") : "";
}

struct Quantity {
  const char* title;
  std::string (*words)(const Row& row);
};

/// The order is that in which a reader suspects them.
constexpr std::array kQuantities = {
    Quantity{"others", [](const Row& r) { return percent(r.conditions.other_fraction); }},
    Quantity{"steal", [](const Row& r) { return percent(r.conditions.steal_fraction); }},
    Quantity{"waited", [](const Row& r) { return percent(r.conditions.cpu_pressure_fraction); }},
    Quantity{"load",
             [](const Row& r) {
               const auto& load = r.conditions.load_1m;
               return load ? format_significant(*load, 2) : std::string();
             }},
    Quantity{"CPU", [](const Row& r) { return clock(r.conditions.cpu_clock_hz); }},
    Quantity{"CPU heat",
             [](const Row& r) { return number(r.conditions.cpu_temperature_c, " °C"); }},
    Quantity{"throttled",
             [](const Row& r) {
               const auto& count = r.conditions.cpu_throttle_count;
               return count ? fmt::format("{}x", *count) : std::string();
             }},
    Quantity{"thermal state",
             [](const Row& r) { return one_line(r.conditions.thermal_state.value_or("")); }},
    Quantity{"power",
             [](const Row& r) {
               const auto source = one_line(r.conditions.power_source.value_or(""));
               return source == "ac" ? "mains" : source;
             }},
    Quantity{"low-power mode",
             [](const Row& r) {
               const auto& on = r.conditions.low_power_mode;
               return std::string(!on ? "" : *on ? "on" : "off");
             }},
    Quantity{"GPU", [](const Row& r) { return clock(r.conditions.gpu_clock_hz); }},
    Quantity{"GPU heat",
             [](const Row& r) { return number(r.conditions.gpu_temperature_c, " °C"); }},
    Quantity{"GPU power", [](const Row& r) { return number(r.conditions.gpu_power_w, " W"); }},
    Quantity{"GPU limited by",
             [](const Row& r) {
               if (!r.conditions.gpu_clock_hz) return std::string();
               const auto& reasons = r.conditions.gpu_clock_reasons;
               return reasons.empty() ? "nothing" : one_line(join(reasons, " "));
             }},
    Quantity{"memory waited",
             [](const Row& r) { return percent(r.conditions.memory_pressure_fraction); }},
    Quantity{"swapped in",
             [](const Row& r) {
               const auto& bytes = r.conditions.swapped_in_bytes;
               return bytes ? fmt::format("{:.0f} MiB", static_cast<double>(*bytes) / (1 << 20))
                            : "";
             }},
    Quantity{"switches/s", switches}};

bool was_measured(const Row& row) {
  return std::any_of(row.entries.begin(), row.entries.end(),
                     [](const Entry& e) { return e.status == store::CaseStatus::ok && e.time; });
}

}  // namespace

StateTable state_of(const Report& report) {
  StateTable table;
  std::vector<const Row*> rows;
  for (const Row& row : report.rows) {
    if (was_measured(row)) rows.push_back(&row);
  }
  for (const Row* row : rows)
    table.lines.push_back({.case_id = row->case_id, .label = row->label, .cells = {}});
  for (const auto& quantity : kQuantities) {
    std::vector<std::string> cells;
    for (const Row* row : rows) cells.push_back(quantity.words(*row));
    const auto is = [&](const std::string& value) {
      return std::all_of(cells.begin(), cells.end(),
                         [&](const std::string& cell) { return cell == value; });
    };
    if (is("")) continue;
    if (is(cells.front())) {
      table.alike.push_back({.name = quantity.title, .answer = cells.front()});
      continue;
    }
    table.columns.emplace_back(quantity.title);
    for (std::size_t i = 0; i < rows.size(); ++i) table.lines[i].cells.push_back(cells[i]);
  }
  if (table.columns.empty() && table.alike.empty()) table.lines.clear();
  return table;
}

std::string alike_words(const StateTable& table) {
  std::vector<std::string> words;
  for (const auto& fact : table.alike) words.push_back(fact.name + " " + fact.answer);
  return join(words, ", ");
}

}  // namespace mlbench::report
