#include "compare/verdicts.hpp"

#include "compare/controls.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace mlbench::compare {
namespace {

using store::BlockRecord;
using store::CaseRecord;
using store::CaseStatus;
using store::Cell;
using store::PairRecord;
using store::RunData;

/// A smaller drift matters to nobody, however narrow the interval is.
constexpr double kLeastDrift = 0.01;

/// More block pairs than this share lost to events from outside: too noisy an environment.
constexpr double kMostHit = 0.2;

/// Runs from method version 3 on state intervals that allow for stopping on their width; older ones
/// are shown as they were.
double inflation_of(const RunData& run) {
  return find_int(run.header, "method_version").value_or(1) < 3 ? 1 : stats::kSequentialInflation;
}

/// As the run says; empty for those before, whose ranges beyond 95 % stay as they were.
std::optional<double> inflation_beyond_95_of(const RunData& run) {
  const auto stated = find_number(run.header, "inflation_beyond_95");
  const bool sensible = stated && *stated >= 1 && *stated < 2;
  return sensible ? stated : std::nullopt;
}

/// Work of `b` / work of the other side, by the calls that were really made.
double true_ratio_of(const Cell& b) {
  return 1 + static_cast<double>(b.extra_calls) / std::max(1, b.calls.value_or(1));
}

/// Rows of `round` in which something from outside hit a block of `cell`.
std::set<int> rows_hit(const Cell& cell, int round) {
  std::set<int> rows;
  for (const BlockRecord& b : cell.blocks) {
    if (b.round == round && !b.outside.empty()) rows.insert(b.row);
  }
  return rows;
}

/// Samples of the blocks of `round` but for those of the rows `without`, in order of rows.
std::vector<std::vector<double>> blocks_in(const Cell& cell, int round,
                                           const std::set<int>& without) {
  std::vector<const BlockRecord*> found;
  for (const BlockRecord& b : cell.blocks) {
    if (b.round == round && !without.contains(b.row)) found.push_back(&b);
  }
  std::sort(found.begin(), found.end(),
            [](const auto* x, const auto* y) { return x->row < y->row; });
  std::vector<std::vector<double>> samples;
  for (const BlockRecord* b : found) samples.push_back(b->samples_s);
  return samples;
}

/// A block pair is left out whole: in both sides, whichever was hit.
std::set<int> rows_hit(const Cell& a, const Cell& b, int round) {
  auto rows = rows_hit(a, round);
  rows.merge(rows_hit(b, round));
  return rows;
}

/// How many block pairs were hit from outside, and how many there are in all.
struct OutsideShare {
  std::size_t hit = 0, all = 0;
};

OutsideShare outside_share(const RunData& run, const CaseRecord& c, const Cell& a, const Cell& b) {
  const auto blocks_of = [](const Cell& cell, int round) {
    return std::count_if(cell.blocks.begin(), cell.blocks.end(),
                         [&](const BlockRecord& block) { return block.round == round; });
  };
  OutsideShare share;
  for (const int round : run.rounds_of(c.definition.id)) {
    share.hit += rows_hit(a, b, round).size();
    share.all += static_cast<std::size_t>(std::max(blocks_of(a, round), blocks_of(b, round)));
  }
  return share;
}

std::map<int, double> ratios_by_round(const RunData& run, const CaseRecord& c, const Cell& a,
                                      const Cell& b, stats::BlockStatistic statistic) {
  std::map<int, double> logs;
  for (const int round : run.rounds_of(c.definition.id)) {
    const auto hit = rows_hit(a, b, round);
    const auto blocks_a = blocks_in(a, round, hit), blocks_b = blocks_in(b, round, hit);
    if (const auto d = stats::pair_log_ratio(blocks_a, blocks_b, statistic)) logs[round] = *d;
  }
  return logs;
}

std::vector<double> ratios(const RunData& run, const CaseRecord& c, const Cell& a, const Cell& b,
                           stats::BlockStatistic statistic) {
  std::vector<double> logs;
  for (const auto& [round, d] : ratios_by_round(run, c, a, b, statistic)) logs.push_back(d);
  return logs;
}

std::vector<double> all_block_times(const Cell& cell) {
  std::vector<std::vector<double>> blocks;
  for (const BlockRecord& b : cell.blocks) {
    if (b.outside.empty()) blocks.push_back(b.samples_s);
  }
  return stats::block_times(blocks).value_or(std::vector<double>{});
}

std::string why_invalid(const Cell& cell, const std::string& subject) {
  if (cell.status == CaseStatus::ok) return {};
  return subject + ": " + std::string(name_of(cell.status)) +
         (cell.reason.empty() ? "" : ": " + cell.reason);
}

std::string percent(double log_ratio) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.1f %%", 100 * std::expm1(log_ratio));
  return text.data();
}

std::string times(double ratio) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), ratio < 10 ? "%.2f" : "%.1f", ratio);
  return text.data();
}

std::string faster(const stats::RatioInterval& i, const std::string& winner, bool inverted,
                   bool small) {
  const double ratio = inverted ? 1 / i.ratio : i.ratio;
  const double low = inverted ? 1 / i.high : i.low, high = inverted ? 1 / i.low : i.high;
  return winner + " is " + times(ratio) + "x faster (95 % range " + times(low) + " to " +
         times(high) + ")" + (small ? ", may be below 1 %" : "");
}

/// Without what the journal says of its end.
CaseVerdict judged(const RunData& run, const CaseRecord& c, const PairRecord& pair) {
  CaseVerdict v{.case_id = c.definition.id,
                .a = pair.a,
                .b = pair.b,
                .control = pair.control,
                .true_ratio = 1,
                .pair_log_ratios = {},
                .interval = {},
                .judgement = {},
                .flags = {},
                .reason = {},
                .withheld = false,
                .target = {},
                .stop_reason = {}};
  const Cell* a = run.find_cell(c.definition.id, pair.a);
  const Cell* b = run.find_cell(c.definition.id, pair.b);
  if (a == nullptr || b == nullptr) {
    v.reason = "not measured";
    return v;
  }
  v.true_ratio = true_ratio_of(*b);
  v.pair_log_ratios = ratios(run, c, *a, *b, stats::BlockStatistic::median);
  v.reason = why_invalid(*a, pair.a);
  if (v.reason.empty()) v.reason = why_invalid(*b, pair.b);
  if (!v.reason.empty()) return v;  // a side that is not ok gets no ratio

  const auto outside = outside_share(run, c, *a, *b);
  if (outside.hit > 0) v.flags.emplace_back("outside_event");
  if (static_cast<double>(outside.hit) > kMostHit * static_cast<double>(outside.all)) {
    v.reason = std::to_string(outside.hit) + " of " + std::to_string(outside.all) +
               " block pairs were hit by an event from outside";
    return v;
  }
  const double inflation = inflation_of(run);
  v.interval = stats::ratio_interval(v.pair_log_ratios, 0.95, inflation);
  if (v.interval) v.interval->inflation_beyond_95 = inflation_beyond_95_of(run);
  v.judgement = stats::judge(v.interval);
  if (v.judgement.verdict == stats::Verdict::invalid) {
    v.reason = std::to_string(v.pair_log_ratios.size()) + " process pairs, 6 are needed";
    return v;
  }
  if (stats::drifted(all_block_times(*a), all_block_times(*b),
                     std::max(v.interval->half_width_log, kLeastDrift / 3)))
    v.flags.emplace_back("drift");
  if (c.alternating && !c.definition.variant.alone) v.flags.emplace_back("not_interleaved");
  const auto quartiles = ratios(run, c, *a, *b, stats::BlockStatistic::lower_quartile);
  if (stats::unstable(v.interval, stats::ratio_interval(quartiles, 0.95, inflation)))
    v.flags.emplace_back("unstable");
  return v;
}

void withhold(CaseVerdict& v) {
  if (v.judgement.verdict == stats::Verdict::invalid) return;  // that reason is nearer
  v.judgement = {};
  v.reason = kControlFailed;
  v.withheld = true;
}

}  // namespace

CaseVerdict verdict_of(const RunData& run, const CaseRecord& c, const PairRecord& pair) {
  auto v = judged(run, c, pair);
  v.target = target_of(run, c);
  v.stop_reason = stop_reason_of(run, c, pair, v.interval);
  return v;
}

std::vector<const PairRecord*> pairs_of(const RunData& run, const CaseRecord& c) {
  std::vector<const PairRecord*> pairs;
  for (const PairRecord& pair : run.pairs) {
    const bool about = c.control ? pair.control && pair.a == c.control->subject : !pair.control;
    if (about) pairs.push_back(&pair);
  }
  return pairs;
}

std::vector<CaseVerdict> verdicts_of(const RunData& run) {
  std::vector<CaseVerdict> verdicts;
  for (const CaseRecord& c : run.cases) {
    for (const PairRecord* pair : pairs_of(run, c)) {
      const Cell* a = run.find_cell(c.definition.id, pair->a);
      const Cell* b = run.find_cell(c.definition.id, pair->b);
      const auto takes_part = [](const Cell* cell) {
        return cell != nullptr && cell->status != CaseStatus::skipped &&
               cell->status != CaseStatus::unsupported;
      };
      if (takes_part(a) && takes_part(b)) verdicts.push_back(verdict_of(run, c, *pair));
    }
  }
  if (trusted(controls_of(run))) return verdicts;
  for (CaseVerdict& v : verdicts) {
    if (!v.control) withhold(v);
  }
  return verdicts;
}

std::map<int, double> log_ratios_by_round(const RunData& run, const CaseRecord& c,
                                          const PairRecord& pair) {
  const Cell* a = run.find_cell(c.definition.id, pair.a);
  const Cell* b = run.find_cell(c.definition.id, pair.b);
  if (a == nullptr || b == nullptr) return {};
  return ratios_by_round(run, c, *a, *b, stats::BlockStatistic::median);
}

std::vector<double> process_times_s(const Cell& cell) {
  std::vector<double> times_s;
  std::set<int> rounds;
  for (const BlockRecord& b : cell.blocks) rounds.insert(b.round);
  for (const int round : rounds) {
    const auto kept = blocks_in(cell, round, rows_hit(cell, round));
    if (const auto t = stats::process_time(kept)) times_s.push_back(*t);
  }
  return times_s;
}

std::optional<stats::TimeSummary> time_of(const Cell& cell) {
  return stats::time_summary(process_times_s(cell));
}

std::string sentence(const CaseVerdict& v, const std::string& name_a, const std::string& name_b) {
  switch (v.judgement.verdict) {
    case stats::Verdict::faster:
      return faster(*v.interval, name_a, false, v.judgement.below_practical);
    case stats::Verdict::slower:
      return faster(*v.interval, name_b, true, v.judgement.below_practical);
    case stats::Verdict::equal: return "equal within 2 %";
    case stats::Verdict::undecided:
      return "no difference shown; " + name_a + " may be " + percent(std::log(v.interval->low)) +
             " to " + percent(std::log(v.interval->high)) + " faster";
    case stats::Verdict::invalid: break;
  }
  if (!v.withheld) return "no verdict: " + v.reason;
  const auto& i = *v.interval;
  return "no verdict: " + v.reason + "; time of " + name_b + " / time of " + name_a + " was " +
         times(i.ratio) + " (95 % range " + times(i.low) + " to " + times(i.high) + ")";
}

}  // namespace mlbench::compare
