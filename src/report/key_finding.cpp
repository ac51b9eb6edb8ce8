#include "report/key_finding.hpp"

#include "core/units.hpp"
#include "report/words.hpp"
#include "stats/holm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mlbench::report {
namespace {

struct Compared {
  const Row* row;
  const compare::CaseVerdict* verdict;
};

/// Every comparison of two frameworks that has a verdict.
std::vector<Compared> comparisons(const Report& report) {
  std::vector<Compared> list;
  for (const Row& row : report.rows) {
    if (row.alone) continue;  // the same question a second time
    for (const auto& v : row.verdicts) {
      const bool judged = v.interval && v.judgement.verdict != stats::Verdict::invalid;
      if (judged && is_between_frameworks(report, v)) list.push_back({&row, &v});
    }
  }
  return list;
}

/// How far `i` stays from 1, in logs; 0 where it includes it.
double distance(const stats::RatioInterval& i) {
  return std::max({0.0, std::log(i.low), -std::log(i.high)});
}

std::optional<KeyFinding> find(const std::vector<Compared>& list) {
  if (list.empty()) return std::nullopt;
  std::vector<std::optional<stats::RatioInterval>> intervals;
  for (const auto& c : list) intervals.push_back(c.verdict->interval);
  const auto adjusted = stats::holm_intervals(intervals);
  std::size_t best = 0;
  for (std::size_t i = 1; i < list.size(); ++i) {
    if (distance(*adjusted[i]) > distance(*adjusted[best])) best = i;
  }
  const auto& interval = *adjusted[best];
  if (distance(interval) == 0) return std::nullopt;
  const auto& [row, v] = list[best];
  KeyFinding found{.case_id = row->case_id,
                   .label = row->label,
                   .faster = v->a,
                   .slower = v->b,
                   .ratio = interval.ratio,
                   .low = interval.low,
                   .high = interval.high,
                   .cases = list.size()};
  if (interval.ratio < 1) {
    std::swap(found.faster, found.slower);
    found.ratio = 1 / interval.ratio, found.low = 1 / interval.high, found.high = 1 / interval.low;
  }
  return found;
}

std::string together(std::size_t cases) {
  return cases == 1 ? "" : fmt::format(", all {} comparisons taken together", cases);
}

std::string in_words(const Report& report, const KeyFinding& found) {
  return fmt::format("{} is {} times as fast as {} ({} to {}) in {}{}",
                     title_of(report, found.faster), format_significant(found.ratio, 3),
                     title_of(report, found.slower), format_significant(found.low, 3),
                     format_significant(found.high, 3), found.label, together(found.cases));
}

}  // namespace

std::optional<KeyFinding> key_finding(const Report& report) {
  return find(comparisons(report));
}

std::string key_finding_words(const Report& report) {
  const auto list = comparisons(report);
  if (list.empty()) return "";
  const auto found = find(list);
  return found ? in_words(report, *found) : "no difference stands" + together(list.size());
}

Json key_finding_json(const Report& report) {
  const auto found = key_finding(report);
  if (!found) return nullptr;
  return {
      {"case", found->case_id},  {"label", found->label},       {"faster", found->faster},
      {"slower", found->slower}, {"ratio", found->ratio},       {"low", found->low},
      {"high", found->high},     {"comparisons", found->cases}, {"text", in_words(report, *found)}};
}

}  // namespace mlbench::report
