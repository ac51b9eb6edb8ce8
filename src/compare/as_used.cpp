#include "compare/as_used.hpp"

#include "compare/controls.hpp"

#include <cmath>

namespace mlbench::compare {
namespace {

constexpr std::size_t kFewestRounds = 6;
constexpr double kMatters = 0.01;

std::optional<stats::RatioInterval> change_between(const store::RunData& run,
                                                   const store::CaseRecord& together,
                                                   const store::CaseRecord& alone,
                                                   const store::PairRecord& pair) {
  const auto usual = log_ratios_by_round(run, together, pair);
  std::vector<double> changes;
  for (const auto& [round, log_ratio] : log_ratios_by_round(run, alone, pair)) {
    const auto it = usual.find(round);
    if (it != usual.end()) changes.push_back(log_ratio - it->second);
  }
  if (changes.size() < kFewestRounds) return std::nullopt;
  return stats::ratio_interval(changes);
}

}  // namespace

bool AsUsed::differs() const {
  return change && (change->low > 1 || change->high < 1) &&
         std::abs(change->mean_log) > std::log1p(kMatters);
}

std::vector<AsUsed> as_used_of(const store::RunData& run) {
  std::vector<AsUsed> found;
  if (!trusted(controls_of(run))) return found;
  for (const auto& alone : run.cases) {
    const auto* together = run.find_case(workload::id_together(alone.definition));
    if (!alone.definition.variant.alone || together == nullptr) continue;
    for (const auto* pair : pairs_of(run, alone)) {
      auto usual = verdict_of(run, *together, *pair), apart = verdict_of(run, alone, *pair);
      if (!usual.interval || !apart.interval) continue;
      found.push_back({.case_id = together->definition.id,
                       .a = pair->a,
                       .b = pair->b,
                       .together = std::move(usual),
                       .alone = std::move(apart),
                       .change = change_between(run, *together, alone, *pair)});
    }
  }
  return found;
}

}  // namespace mlbench::compare
