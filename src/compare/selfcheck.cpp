#include "compare/selfcheck.hpp"

#include "compare/ceilings.hpp"
#include "stats/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

namespace mlbench::compare {
namespace {

using stats::Verdict;

/// Process pairs of a case in a run: run::Settings::min_rounds and max_rounds.
constexpr int kFewestPairs = 6, kMostPairs = 30;

/// Wide enough that a case stays in its group when the machine is busy. What lies between is a
/// large GPU's largest product, or short calls of a run's own control.
const char* length_of(double sample_s) {
  if (sample_s < 4e-3) return "about 1 ms";
  return sample_s < 9e-3 ? "about 5 ms" : "about 20 ms";
}

bool has_verdict(const SelfComparison& c) {
  return c.verdict.judgement.verdict != Verdict::invalid && c.verdict.interval.has_value();
}

bool is_significant(const SelfComparison& c) {
  const auto v = c.verdict.judgement.verdict;
  return v == Verdict::faster || v == Verdict::slower;
}

bool covers(const SelfComparison& c) {
  const auto& i = *c.verdict.interval;
  return i.low <= c.verdict.true_ratio && c.verdict.true_ratio <= i.high;
}

double width(double sd_log, int pairs) {
  const auto h = stats::expected_half_width_log(sd_log, pairs, 0.95, stats::kSequentialInflation);
  return h ? std::expm1(*h) : 0;
}

using Members = std::vector<const SelfComparison*>;
using Groups = std::map<std::string, Members>;

double median_sample_s(const Members& members) {
  std::vector<double> seconds;
  for (const auto* c : members) seconds.push_back(c->sample_s);
  return stats::median(seconds).value_or(0);
}

SelfcheckGroup group_result(const std::string& name, const Members& members) {
  SelfcheckGroup g{.name = name};
  g.sample_s = median_sample_s(members);
  double squares = 0, degrees = 0;
  std::vector<double> seconds;
  for (const auto* c : members) {
    const auto& i = *c->verdict.interval;
    squares += i.sd_log * i.sd_log * (i.pairs - 1);
    degrees += i.pairs - 1;
    if (c->seconds_a_pair > 0) seconds.push_back(c->seconds_a_pair);
    ++g.comparisons;
    g.false_verdicts += is_significant(*c) ? 1 : 0;
  }
  if (degrees > 0) g.sd_log = std::sqrt(squares / degrees);
  g.seconds_a_pair = stats::median(seconds).value_or(0);
  g.width_6 = width(g.sd_log, 6);
  g.width_10 = width(g.sd_log, 10);
  g.width_20 = width(g.sd_log, 20);
  if (g.seconds_a_pair > 0) {
    const int pairs = std::min(kMostPairs, static_cast<int>(60 / g.seconds_a_pair));
    if (pairs >= kFewestPairs) g.width_60_s = width(g.sd_log, pairs);
  }
  return g;
}

Power power_of(const std::string& name, const Members& members) {
  Power p{.name = name};
  p.sample_s = median_sample_s(members);
  for (const auto* c : members) {
    ++p.trials;
    p.found += c->verdict.judgement.verdict == Verdict::faster ? 1 : 0;
    p.wrong += c->verdict.judgement.verdict == Verdict::slower ? 1 : 0;
    p.covered += covers(*c) ? 1 : 0;
    p.mean_measured += (c->verdict.interval->mean_log - p.mean_measured) / p.trials;
    p.seconds += (c->seconds_a_pair * c->verdict.interval->pairs - p.seconds) / p.trials;
  }
  return p;
}

/// `members` by group, and by what adds up several groups.
struct Grouped {
  Groups groups, totals;
};

Grouped grouped(const Members& members) {
  Grouped g;
  std::map<std::string, std::set<std::string>> groups_of;
  for (const auto* c : members) {
    g.groups[c->group].push_back(c);
    g.totals[c->total].push_back(c);
    groups_of[c->total].insert(c->group);
  }
  std::erase_if(g.totals, [&](const auto& t) { return groups_of[t.first].size() < 2; });
  return g;
}

template <class Result, class Make>
std::vector<Result> results_of(const Groups& groups, Make make) {
  std::vector<Result> results;
  for (const auto& [name, members] : groups) results.push_back(make(name, members));
  return results;
}

InjectedResult injected_result(double change, const Members& members) {
  const auto by = grouped(members);
  return {.change = change,
          .all = power_of("all", members),
          .groups = results_of<Power>(by.groups, power_of),
          .totals = results_of<Power>(by.totals, power_of)};
}

}  // namespace

std::vector<SelfComparison> comparisons_of(const store::RunData& run) {
  std::vector<SelfComparison> found;
  for (const auto& c : run.cases) {
    if (!c.control) continue;
    for (const auto* pair : pairs_of(run, c)) {
      const auto* cell = run.find_cell(c.definition.id, pair->a);
      const auto time = cell == nullptr ? std::nullopt : time_of(*cell);
      const auto* subject = run.find_subject(pair->a);
      const double sample_s = time ? time->median_s * cell->calls.value_or(1) : 0;
      const std::string length = std::string(", ") + length_of(sample_s);
      const auto kind = subject == nullptr ? "?" : device_kind(subject->device);
      SelfComparison comparison{.verdict = verdict_of(run, c, *pair),
                                .group = pair->a + length,
                                .total = "all on " + std::string(kind) + length,
                                .change = c.control->extra_work,
                                .sample_s = sample_s,
                                .seconds_a_pair = run.mean_slot_s(c.definition.id)};
      found.push_back(std::move(comparison));
    }
  }
  return found;
}

bool SelfcheckResult::alarm() const {
  const bool wrong = std::any_of(injected.begin(), injected.end(), [](const auto& r) {
    return r.all.wrong >= stats::alarm_threshold(r.all.trials, 0.025);
  });
  return (comparisons > 0 && false_verdicts >= alarm_from) || wrong;
}

SelfcheckResult summarize(const std::vector<SelfComparison>& comparisons, int most) {
  SelfcheckResult result;
  Members nulls;
  std::map<double, Members> injected;
  for (const auto& c : comparisons) {
    if (!has_verdict(c)) {
      ++result.without_verdict;
      continue;
    }
    if (c.change > 0) {
      injected[c.change].push_back(&c);
    } else if (result.comparisons < most) {
      ++result.comparisons;
      result.false_verdicts += is_significant(c) ? 1 : 0;
      nulls.push_back(&c);
    } else {
      continue;
    }
    ++result.intervals;
    result.covered += covers(c) ? 1 : 0;
  }
  result.false_rate = stats::wilson_interval(result.false_verdicts, result.comparisons);
  result.alarm_from = stats::alarm_threshold(result.comparisons);
  const auto by = grouped(nulls);
  result.groups = results_of<SelfcheckGroup>(by.groups, group_result);
  result.totals = results_of<SelfcheckGroup>(by.totals, group_result);
  for (const auto& [change, members] : injected)
    result.injected.push_back(injected_result(change, members));
  return result;
}

std::vector<SelfComparison> regroup(const std::vector<SelfComparison>& comparisons, int draws,
                                    double target, std::uint64_t seed) {
  std::map<std::string, std::vector<double>> pools;  // by group: cases of one group are alike
  for (const auto& c : comparisons) {
    if (c.change > 0) continue;
    auto& pool = pools[c.group];
    pool.insert(pool.end(), c.verdict.pair_log_ratios.begin(), c.verdict.pair_log_ratios.end());
  }
  std::erase_if(pools, [](const auto& p) { return std::ssize(p.second) < 2 * kFewestPairs; });
  std::vector<SelfComparison> drawn;
  std::mt19937_64 random(seed);
  for (int draw = 0; draw < draws && !pools.empty(); ++draw) {
    auto it = pools.begin();
    std::advance(it, draw % static_cast<int>(pools.size()));
    auto pool = it->second;
    SelfComparison c{.verdict = {}, .group = it->first, .total = {}};
    auto& d = c.verdict.pair_log_ratios;
    for (std::size_t i = 0; i < pool.size() && std::ssize(d) < kMostPairs; ++i) {
      std::swap(pool[i], pool[i + random() % (pool.size() - i)]);
      d.push_back(random() % 2 == 0 ? pool[i] : -pool[i]);
      if (std::ssize(d) < kFewestPairs) continue;
      c.verdict.interval = stats::ratio_interval(d, 0.95, stats::kSequentialInflation);
      if (stats::settled(c.verdict.interval, target)) break;
    }
    c.verdict.judgement = stats::judge(c.verdict.interval);
    drawn.push_back(std::move(c));
  }
  return drawn;
}

}  // namespace mlbench::compare
