#include "report/words.hpp"

#include "core/units.hpp"
#include "report/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace mlbench::report {
namespace {

using store::CaseStatus;
using workload::RateUnit;

const char* unit_words(RateUnit unit) {
  switch (unit) {
    case RateUnit::flop_per_s: return "FLOP/s";
    case RateUnit::bytes_per_s: return "B/s";
    case RateUnit::tokens_per_s: return "tok/s";
    case RateUnit::op_per_s: return "op/s";
  }
  return "";
}

/// "1.03-1.09".
std::string range_words(double low, double high) {
  return format_significant(low, 3) + "-" + format_significant(high, 3);
}

/// "1.06x (1.03-1.09)".
std::string times_words(double ratio, double low, double high) {
  return fmt::format("{}x ({})", format_significant(ratio, 3), range_words(low, high));
}

/// A spread in logs as people read it: "1.1 %".
std::string share_of_one(double log_spread) {
  return format_significant(100 * std::expm1(log_spread), 2) + " %";
}

const char* stop_words(compare::StopReason reason) {
  using compare::StopReason;
  switch (reason) {
    case StopReason::settled: return "settled";
    case StopReason::most_rounds: return "most rounds";
    case StopReason::case_time_spent: return "case time spent";
    case StopReason::budget_spent: return "run time spent";
    case StopReason::interrupted: return "interrupted";
    case StopReason::side_failed: break;
  }
  return "a side failed";
}

}  // namespace

Json ratio_json(const std::optional<stats::RatioInterval>& interval) {
  if (!interval) return nullptr;
  return {{"ratio", interval->ratio}, {"low", interval->low}, {"high", interval->high}};
}

std::optional<double> gpu_clock_hz(const Entry& e, const Row& row) {
  return e.conditions.gpu_clock_hz ? e.conditions.gpu_clock_hz : row.conditions.gpu_clock_hz;
}

std::optional<double> gpu_power_w(const Entry& e, const Row& row) {
  return e.conditions.gpu_power_w ? e.conditions.gpu_power_w : row.conditions.gpu_power_w;
}

Scale scale_for(double largest, RateUnit unit) {
  constexpr std::array kPrefixes = {std::pair(1e12, "T"), std::pair(1e9, "G"), std::pair(1e6, "M"),
                                    std::pair(1e3, "k")};
  const std::string name = unit_words(unit);
  if (unit == RateUnit::bytes_per_s) return {.factor = 1e9, .name = "GB/s"};
  for (const auto& [factor, prefix] : kPrefixes) {
    const bool last = unit == RateUnit::flop_per_s && factor == 1e9;
    if (largest >= factor || last) return {.factor = factor, .name = prefix + name};
  }
  return {.factor = 1, .name = name};
}

std::string rate_words(double rate, RateUnit unit) {
  if (unit == RateUnit::bytes_per_s) return format_bandwidth(rate);
  if (unit == RateUnit::flop_per_s) return format_flop_rate(rate);
  const auto scale = scale_for(rate, unit);
  return format_significant(rate / scale.factor, 3) + " " + scale.name;
}

std::string spread_words(const Rate& rate) {
  if (!rate.low || !rate.high) return {};
  const double half = (*rate.high - *rate.low) / (2 * rate.value);
  if (half > 1) return "±>100%";
  return fmt::format("±{:.0f}%", std::max(1.0, std::ceil(half * 100)));
}

std::string cell_words(const Entry& e, const Scale& scale) {
  if (e.status != CaseStatus::ok) return std::string(name_of(e.status));
  if (!e.rate) return "~";
  const auto text = format_significant(e.rate->value / scale.factor, 3);
  const auto spread = spread_words(*e.rate);
  return spread.empty() ? "~" + text : text + " " + spread;
}

std::string share_words(const Entry& e) {
  if (e.status != CaseStatus::ok) return "-";
  return e.ceiling_fraction ? fmt::format("{:.0f}", 100 * *e.ceiling_fraction) : "?";
}

std::string title_of(const Report& report, const std::string& subject) {
  const auto* found = report.find_subject(subject);
  return found == nullptr ? subject : found->title;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

std::string shortened(const std::string& text, std::size_t most) {
  if (display_width(text) <= most) return text;
  std::size_t bytes = 0;
  for (std::size_t seen = 0; bytes < text.size(); ++bytes) {
    if ((static_cast<unsigned char>(text[bytes]) & 0xC0U) != 0x80U && ++seen > most - 1) break;
  }
  return text.substr(0, bytes) + "…";
}

std::string BasisWords::sentence() const {
  std::string text = pairs + " process pairs";
  if (!sd.empty()) text += ", sd " + sd;
  if (!half_width.empty()) text += ", " + half_width;
  return stopped.empty() ? text : text + ", " + stopped;
}

BasisWords basis_of(const compare::CaseVerdict& v) {
  BasisWords words{
      .pairs = std::to_string(v.pair_log_ratios.size()), .sd = {}, .half_width = {}, .stopped = {}};
  if (v.interval) {
    words.sd = share_of_one(v.interval->sd_log);
    words.half_width = "±" + share_of_one(v.interval->half_width_log);
  }
  if (v.stop_reason) words.stopped = stop_words(*v.stop_reason);
  if (v.stop_reason == compare::StopReason::settled && v.target)
    words.stopped += fmt::format(" at ±{:.3g} %", 100 * *v.target);
  return words;
}

bool is_between_frameworks(const Report& report, const compare::CaseVerdict& v) {
  const auto is_framework = [&](const std::string& subject) {
    const auto* s = report.find_subject(subject);
    return s != nullptr && s->framework != "native";
  };
  return !v.control && is_framework(v.a) && is_framework(v.b);
}

const compare::CaseVerdict* main_verdict(const Report& report, const Row& row) {
  const auto it = std::find_if(row.verdicts.begin(), row.verdicts.end(),
                               [&](const auto& v) { return is_between_frameworks(report, v); });
  return it == row.verdicts.end() ? nullptr : &*it;
}

std::string verdict_words(const Report& report, const Row& row, const compare::CaseVerdict& v) {
  using stats::Verdict;
  const bool failed = std::any_of(row.entries.begin(), row.entries.end(), [&](const Entry& e) {
    return e.status != CaseStatus::ok && (e.subject == v.a || e.subject == v.b);
  });
  if (failed || v.pair_log_ratios.empty()) return "";
  if (!v.interval) return "~";
  const auto& i = *v.interval;
  const char* small = v.judgement.below_practical ? ", small" : "";
  switch (v.judgement.verdict) {
    case Verdict::faster:
      return title_of(report, v.a) + " " + times_words(i.ratio, i.low, i.high) + small;
    case Verdict::slower:
      return title_of(report, v.b) + " " + times_words(1 / i.ratio, 1 / i.high, 1 / i.low) + small;
    case Verdict::equal: return "equal within 2 %";
    case Verdict::undecided:
      return fmt::format("not decided ({:+.0f} ... {:+.0f} %)", 100 * (i.low - 1),
                         100 * (i.high - 1));
    case Verdict::invalid: break;
  }
  if (!v.withheld) return "~";
  return fmt::format("no verdict (ratio {}, {})", format_significant(i.ratio, 3),
                     range_words(i.low, i.high));
}

}  // namespace mlbench::report
