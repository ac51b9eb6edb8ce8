#include "report/condition_doubts.hpp"

#include "core/text.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlbench::report {
namespace {

/// Where a flag was seen, and between which values what it is about lay.
struct Seen {
  std::vector<std::string> where;
  std::optional<double> least, most;
  std::vector<std::string> words;

  void add(const std::string& place, std::optional<double> value) {
    where.push_back(place);
    if (!value) return;
    least = std::min(least.value_or(*value), *value);
    most = std::max(most.value_or(*value), *value);
  }
  void add_word(const std::string& word) {
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  [[nodiscard]] std::string places(std::size_t all, const char* what) const {
    return where.size() <= 2 ? join(where, "; ")
                             : fmt::format("{} of {} {}", where.size(), all, what);
  }
  /// "12 to 35 %"; "12 %" where they are the same. With signs: "-5 to +6 %".
  [[nodiscard]] std::string percent(bool with_sign = false) const {
    if (!least) return {};
    const auto text = [&](double share) {
      return with_sign ? fmt::format("{:+.0f}", 100 * share) : fmt::format("{:.0f}", 100 * share);
    };
    const auto low = text(*least), high = text(*most);
    return low == high ? low + " %" : fmt::format("{} to {} %", low, high);
  }
};

bool has(const std::vector<std::string>& flags, const char* flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

constexpr const char* kSee = " (docs/warnings.md)";

void add_case_doubts(std::vector<std::string>& doubts, const Report& report) {
  Seen load, steal, hot, swap, battery, low_power;
  std::size_t rows = 0;
  for (const Row& row : report.rows) {
    if (row.is_skipped()) continue;
    ++rows;
    const auto& c = row.conditions;
    const auto flags = compare::flags_of(c);
    if (has(flags, "other_load")) {
      load.add(row.label, c.other_fraction);
      if (c.steal_fraction.value_or(0) > 0) steal.add(row.label, c.steal_fraction);
    }
    if (has(flags, "throttled")) {
      hot.add(row.label, {});
      if (c.thermal_state) hot.add_word("thermal state " + one_line(*c.thermal_state));
      if (c.cpu_throttle_count.value_or(0) > 0) hot.add_word("the CPU slowed itself down");
      for (const auto& reason : c.gpu_clock_reasons) hot.add_word("GPU " + one_line(reason));
    }
    if (has(flags, "swapping")) swap.add(row.label, {});
    if (has(flags, "battery")) battery.add(row.label, {});
    if (has(flags, "low_power_mode")) low_power.add(row.label, {});
  }
  if (!load.where.empty()) {
    std::string how = load.percent().empty() ? "" : "other programs took " + load.percent();
    if (!steal.where.empty())
      how += (how.empty() ? "" : ", ") + ("the hypervisor " + steal.percent());
    doubts.push_back(load.places(rows, "cases") + ": other_load, " + how + " of all cores' time" +
                     kSee);
  }
  if (!hot.where.empty())
    doubts.push_back(hot.places(rows, "cases") + ": throttled, " + join(hot.words, ", ") + kSee);
  if (!swap.where.empty())
    doubts.push_back(swap.places(rows, "cases") + ": swapping, memory ran short" + kSee);
  if (!battery.where.empty())
    doubts.push_back(battery.places(rows, "cases") + ": battery, the machine ran on it" + kSee);
  if (!low_power.where.empty())
    doubts.push_back(low_power.places(rows, "cases") + ": low_power_mode was on" + kSee);
}

void add_subject_doubts(std::vector<std::string>& doubts, const Report& report) {
  Seen waiters, clock;
  std::size_t entries = 0;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (e.status != store::CaseStatus::ok) continue;
      ++entries;
      const auto* subject = report.find_subject(e.subject);
      const auto where = row.label + ", " + (subject == nullptr ? e.subject : subject->title);
      const auto flags = compare::flags_of(e.conditions);
      if (has(flags, "busy_waiters")) waiters.add(where, e.conditions.waiters_fraction);
      if (has(flags, "clock_changed")) clock.add(where, e.conditions.spin_change);
    }
  }
  if (!waiters.where.empty())
    doubts.push_back(waiters.places(entries, "results") +
                     ": busy_waiters, processes that were to wait took " + waiters.percent() +
                     " of a core" + kSee);
  if (!clock.where.empty())
    doubts.push_back(clock.places(entries, "results") +
                     ": clock_changed, the time of a fixed piece of arithmetic changed by " +
                     clock.percent(true) + " from the first to the last third of the run" + kSee);
}

void add_pair_doubts(std::vector<std::string>& doubts, const Report& report) {
  for (const Row& row : report.rows) {
    for (std::size_t i = 0; i < row.clock_ratios.size(); ++i) {
      const auto& clock = row.clock_ratios[i];
      const auto& v = row.verdicts[i];
      if (!compare::clock_differs(clock)) continue;
      const auto title = [&](const std::string& subject) {
        const auto* s = report.find_subject(subject);
        return s == nullptr ? subject : s->title;
      };
      const bool second = clock->ratio > 1;
      const double longer = second ? clock->ratio : 1 / clock->ratio;
      doubts.push_back(fmt::format(
          "{}, {} against {}: clock_differs, a fixed piece of arithmetic takes {:.1f} % longer "
          "beside {}{}",
          row.label, title(v.a), title(v.b), 100 * (longer - 1), title(second ? v.b : v.a), kSee));
    }
  }
}

}  // namespace

std::vector<std::string> condition_doubts(const Report& report) {
  std::vector<std::string> doubts;
  add_case_doubts(doubts, report);
  add_subject_doubts(doubts, report);
  add_pair_doubts(doubts, report);
  return doubts;
}

}  // namespace mlbench::report
