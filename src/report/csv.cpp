#include "report/csv.hpp"

#include "core/text.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace mlbench::report {
namespace {

constexpr const char* kColumns =
    "run,machine,case,workload,dtype,subject,framework,version,device,status,reason,"
    "time_median_s,time_low_s,time_high_s,processes,rate,rate_low,rate_high,rate_unit,"
    "ceiling_fraction,check_ok,check_max_error,check_tolerance,kernel,flags,"
    "arithmetic_intensity,bound_by,"
    "other_fraction,steal_fraction,cpu_pressure_fraction,memory_pressure_fraction,"
    "swapped_in_bytes,cpu_throttle_count,load_1m,cpu_clock_hz,cpu_temperature_c,gpu_clock_hz,"
    "gpu_temperature_c,gpu_power_w,gpu_clock_reasons,thermal_state,power_source,low_power_mode,"
    "involuntary_switches_per_s,waiters_fraction,spin_s,spin_change,"
    "device_spin_s,device_spin_change,"
    "against,verdict,verdict_reason,ratio,ratio_low,ratio_high,pairs,sd_log,half_width,target,"
    "stop_reason\n";

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.12g}", *value) : "";
}

std::string whole(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "";
}

/// A text as a cell. Spreadsheets compute a cell that begins with "=", "+", "-" or "@" (also after
/// white space), and names come from other people's files: an apostrophe before it makes it text
/// (OWASP, "CSV injection").
std::string text_cell(std::string text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && std::string_view("=+-@").find(text[first]) < 4)
    text.insert(0, "'");
  if (text.find_first_of(",;\t\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// The machine while the case was measured: the same fields as in the JSON.
std::vector<std::string> condition_cells(const Entry& e, const Row& row) {
  const auto& c = row.conditions;
  const auto& of_subject = e.conditions;
  return {number(c.other_fraction),
          number(c.steal_fraction),
          number(c.cpu_pressure_fraction),
          number(c.memory_pressure_fraction),
          whole(c.swapped_in_bytes),
          whole(c.cpu_throttle_count),
          number(c.load_1m),
          number(c.cpu_clock_hz),
          number(c.cpu_temperature_c),
          number(gpu_clock_hz(e, row)),
          number(c.gpu_temperature_c),
          number(gpu_power_w(e, row)),
          text_cell(join(c.gpu_clock_reasons, " ")),
          text_cell(c.thermal_state.value_or("")),
          text_cell(c.power_source.value_or("")),
          !c.low_power_mode   ? ""
          : *c.low_power_mode ? "true"
                              : "false",
          number(of_subject.switches_per_s),
          number(of_subject.waiters_fraction),
          number(of_subject.spin_s),
          number(of_subject.spin_change),
          number(of_subject.device_spin_s),
          number(of_subject.device_spin_change)};
}

/// The verdict against the other framework, seen from this subject: above 1 it is the faster one.
std::vector<std::string> verdict_cells(const Report& report, const Row& row, const Entry& e) {
  const auto found = std::find_if(row.verdicts.begin(), row.verdicts.end(), [&](const auto& v) {
    return is_between_frameworks(report, v) && (v.a == e.subject || v.b == e.subject);
  });
  if (found == row.verdicts.end()) return std::vector<std::string>(11);
  const auto& v = *found;
  const bool is_a = v.a == e.subject;
  using stats::Verdict;
  auto verdict = v.judgement.verdict;
  if (!is_a && (verdict == Verdict::faster || verdict == Verdict::slower))
    verdict = verdict == Verdict::faster ? Verdict::slower : Verdict::faster;
  std::vector<std::string> cells = {text_cell(is_a ? v.b : v.a), std::string(name_of(verdict)),
                                    text_cell(v.reason)};
  const auto& i = v.interval;
  if (!i) {
    cells.resize(6);
  } else if (is_a) {
    cells.insert(cells.end(), {number(i->ratio), number(i->low), number(i->high)});
  } else {
    cells.insert(cells.end(), {number(1 / i->ratio), number(1 / i->high), number(1 / i->low)});
  }
  cells.insert(cells.end(), {std::to_string(v.pair_log_ratios.size()), i ? number(i->sd_log) : "",
                             i ? number(std::expm1(i->half_width_log)) : "", number(v.target),
                             v.stop_reason ? std::string(name_of(*v.stop_reason)) : ""});
  return cells;
}

std::string line(const Report& report, const Row& row, const Entry& e) {
  const auto* s = report.find_subject(e.subject);
  const auto time = [&](auto member) { return e.time ? number((*e.time).*member) : std::string(); };
  std::vector<std::string> cells = {text_cell(report.run),
                                    text_cell(report.headline),
                                    text_cell(row.case_id),
                                    text_cell(row.workload),
                                    row.dtype,
                                    text_cell(e.subject),
                                    s == nullptr ? "" : text_cell(s->framework),
                                    s == nullptr ? "" : text_cell(s->version),
                                    s == nullptr ? "" : text_cell(s->device),
                                    std::string(name_of(e.status)),
                                    text_cell(e.reason),
                                    time(&stats::TimeSummary::median_s),
                                    time(&stats::TimeSummary::low_s),
                                    time(&stats::TimeSummary::high_s),
                                    e.time ? std::to_string(e.time->processes) : "",
                                    e.rate ? number(e.rate->value) : "",
                                    e.rate ? number(e.rate->low) : "",
                                    e.rate ? number(e.rate->high) : "",
                                    e.rate ? std::string(name_of(e.rate->unit)) : "",
                                    number(e.ceiling_fraction),
                                    e.check ? (e.check->ok ? "true" : "false") : "",
                                    e.check ? number(e.check->max_error) : "",
                                    e.check ? number(e.check->tolerance) : "",
                                    text_cell(e.kernel),
                                    text_cell(join(e.all_flags, " ")),
                                    number(compare::arithmetic_intensity(row.work)),
                                    !e.share                ? ""
                                    : e.share->memory_bound ? "memory"
                                                            : "compute"};
  const auto conditions = condition_cells(e, row);
  cells.insert(cells.end(), conditions.begin(), conditions.end());
  const auto verdict = verdict_cells(report, row, e);
  cells.insert(cells.end(), verdict.begin(), verdict.end());
  return join(cells, ",") + "\n";
}

}  // namespace

std::string to_csv(std::span<const Report> reports) {
  std::string out = kColumns;
  for (const Report& report : reports) {
    for (const Row& row : report.rows) {
      for (const Entry& e : row.entries) out += line(report, row, e);
    }
  }
  return out;
}

}  // namespace mlbench::report
