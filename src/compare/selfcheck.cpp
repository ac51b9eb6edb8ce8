#include "compare/selfcheck.hpp"

#include "stats/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace mlbench::compare {
namespace {

using stats::Verdict;

/// Process pairs of a case in a run: run::Settings::min_rounds and max_rounds.
constexpr int kFewestPairs = 6, kMostPairs = 30;

std::string group_of(const std::string& subject, double call_s) {
  const char* about = call_s < 4e-3 ? "about 1 ms" : "about 20 ms";
  return subject + ", " + about;
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

SelfcheckGroup group_result(const std::string& name,
                            const std::vector<const SelfComparison*>& members) {
  SelfcheckGroup g{.name = name};
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

void count_injected(std::vector<InjectedResult>& results, const SelfComparison& c) {
  auto it = std::find_if(results.begin(), results.end(),
                         [&](const auto& r) { return std::abs(r.change - c.change) < 1e-9; });
  if (it == results.end()) it = results.insert(results.end(), InjectedResult{.change = c.change});
  ++it->trials;
  it->found += c.verdict.judgement.verdict == Verdict::faster ? 1 : 0;
  it->wrong += c.verdict.judgement.verdict == Verdict::slower ? 1 : 0;
  it->covered += covers(c) ? 1 : 0;
  it->mean_measured += (c.verdict.interval->mean_log - it->mean_measured) / it->trials;
}

}  // namespace

std::vector<SelfComparison> comparisons_of(const store::RunData& run) {
  std::vector<SelfComparison> found;
  for (const auto& c : run.cases) {
    if (!c.control) continue;
    for (const auto* pair : pairs_of(run, c)) {
      const auto* cell = run.find_cell(c.definition.id, pair->a);
      const auto time = cell == nullptr ? std::nullopt : time_of(*cell);
      SelfComparison comparison{.verdict = verdict_of(run, c, *pair),
                                .group = group_of(pair->a, time ? time->median_s : 0),
                                .change = c.control->extra_work,
                                .seconds_a_pair = run.mean_slot_s(c.definition.id)};
      found.push_back(std::move(comparison));
    }
  }
  return found;
}

bool SelfcheckResult::alarm() const {
  const bool wrong = std::any_of(injected.begin(), injected.end(), [](const auto& r) {
    return r.wrong >= stats::alarm_threshold(r.trials, 0.025);
  });
  return (comparisons > 0 && false_verdicts >= alarm_from) || wrong;
}

SelfcheckResult summarize(const std::vector<SelfComparison>& comparisons, int most) {
  SelfcheckResult result;
  std::map<std::string, std::vector<const SelfComparison*>> groups;
  for (const auto& c : comparisons) {
    if (!has_verdict(c)) {
      ++result.without_verdict;
      continue;
    }
    if (c.change > 0) {
      count_injected(result.injected, c);
    } else if (result.comparisons < most) {
      ++result.comparisons;
      result.false_verdicts += is_significant(c) ? 1 : 0;
      groups[c.group].push_back(&c);
    } else {
      continue;
    }
    ++result.intervals;
    result.covered += covers(c) ? 1 : 0;
  }
  result.false_rate = stats::wilson_interval(result.false_verdicts, result.comparisons);
  result.alarm_from = stats::alarm_threshold(result.comparisons);
  for (const auto& [name, members] : groups) result.groups.push_back(group_result(name, members));
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
    SelfComparison c{.verdict = {}, .group = it->first};
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
