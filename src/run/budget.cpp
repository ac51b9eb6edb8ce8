#include "run/budget.hpp"

#include "compare/verdicts.hpp"
#include "run/runner_impl.hpp"

#include <algorithm>

namespace mlbench::run {

using store::CaseStatus;

double time_left_s(double budget_s, double used_s) {
  constexpr double kLeast = 0.5;
  return std::max(budget_s - used_s, kLeast * budget_s);
}

bool pairs_are_settled(const store::RunData& run, const store::CaseRecord& c, double target,
                       int min_pairs) {
  const auto pairs = compare::pairs_of(run, c);
  return std::all_of(pairs.begin(), pairs.end(), [&](const auto* pair) {
    if (!compare::takes_part(run, c, pair->a) || !compare::takes_part(run, c, pair->b)) return true;
    const auto interval = compare::verdict_of(run, c, *pair).interval;
    return compare::pair_is_settled(interval, target, min_pairs);
  });
}

std::vector<bool> cases_of_round(std::span<const CaseNeed> needs, double left_s, bool share) {
  std::vector<bool> chosen;
  for (const CaseNeed& n : needs) chosen.push_back(!n.settled && !n.own_spent);
  if (!share || std::find(chosen.begin(), chosen.end(), true) != chosen.end()) return chosen;
  double round_s = 0;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    chosen[i] = !needs[i].settled && !needs[i].at_most;
    if (chosen[i]) round_s += needs[i].last_slot_s;
  }
  while (round_s > left_s) {
    std::optional<std::size_t> dearest;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      if (chosen[i] && (!dearest || needs[i].last_slot_s > needs[*dearest].last_slot_s))
        dearest = i;
    }
    if (!dearest) break;
    chosen[*dearest] = false;
    round_s -= needs[*dearest].last_slot_s;
  }
  return chosen;
}

CaseNeed Runner::Impl::need_of(const CaseState& state) const {
  const auto& data = journal.data();
  const auto rounds = static_cast<int>(data.rounds_of(state.definition.id).size());
  CaseNeed need{.settled = participants(state.definition).empty(),
                .last_slot_s = state.last_slot_s};
  if (need.settled || rounds < settings.min_rounds) return need;
  const double target =
      compare::target_of(settings.target, settings.control_target, state.is_control);
  need.settled =
      pairs_are_settled(data, *data.find_case(state.definition.id), target, settings.min_rounds);
  need.own_spent = rounds >= settings.max_rounds || state.spent_s > settings.case_budget_s;
  need.at_most = rounds >= compare::kMostRounds;
  return need;
}

bool Runner::Impl::choose_cases(double left_s) {
  std::vector<CaseNeed> needs;
  for (const CaseState& c : cases) needs.push_back(need_of(c));
  const auto chosen = cases_of_round(needs, left_s, settings.share_budget);
  for (std::size_t i = 0; i < cases.size(); ++i) cases[i].active = chosen[i];
  return std::find(chosen.begin(), chosen.end(), true) != chosen.end();
}

bool Runner::Impl::lacks_time() const {
  return settings.share_budget && std::any_of(cases.begin(), cases.end(), [&](const auto& c) {
           const auto need = need_of(c);
           return !need.settled && !need.at_most;
         });
}

Status Runner::Impl::drop(CaseState& state, const std::string& reason) {
  state.active = false;
  for (const auto& name : participants(state.definition)) {
    if (auto ok = write_outcome(state.definition.id, name, CaseStatus::skipped, reason); !ok)
      return ok;
  }
  return Done{};
}

SlotTime Runner::Impl::allowed_slot_time() const {
  constexpr double kForSlots = 0.8;  // the rest starts processes
  const auto active =
      std::count_if(cases.begin(), cases.end(), [](const auto& c) { return c.active; });
  const double a_case_s =
      kForSlots * settings.budget_s / static_cast<double>(std::max<std::ptrdiff_t>(1, active));
  const double case_s = std::min(a_case_s, settings.case_budget_s);
  // Who asks for fewer rounds wants to wait less, and not the same time in longer ones.
  const int most_rounds = std::max(settings.max_rounds, Settings{}.max_rounds);
  return {.fewest_rounds_s = case_s / settings.min_rounds, .most_rounds_s = case_s / most_rounds};
}

/// After the second round it is known what a round costs (the first also checks every output and
/// plans the blocks). Where the rounds still needed do not fit into what is left of the budget,
/// they get fewer block pairs, and where that is not enough the dearest cases go: fewer verdicts
/// rather than none.
Status Runner::Impl::fit_into_budget(double round_s, double used_s) {
  const double left = settings.min_rounds - 2;
  const double left_s = time_left_s(settings.budget_s, used_s);
  const auto excess_s = [&] { return round_s * left - left_s; };
  if (left <= 0) return Done{};
  bool shorter = true;
  while (shorter && excess_s() > 0) {
    shorter = false;
    for (CaseState& c : cases) {
      if (!c.active || c.plan.rows <= kFewestRows) continue;
      const double two_rows_s = c.plan.blocks_s * 2 / c.plan.rows;
      c.plan.rows -= 2;
      c.plan.blocks_s -= two_rows_s, round_s -= two_rows_s;
      shorter = true;
    }
  }
  // Controls are cheap, and without them nothing vouches for the rest.
  const auto cost_s = [](const CaseState& c) {
    return c.active && !c.is_control ? c.last_slot_s : -1;
  };
  const auto remaining = [&] {
    return std::count_if(cases.begin(), cases.end(), [&](const auto& c) { return cost_s(c) >= 0; });
  };
  // With one round to go a case has cost most of what it will: its result is worth the rest.
  while (left > 1 && remaining() > 1 && excess_s() > 0) {
    auto dearest = std::max_element(cases.begin(), cases.end(), [&](const auto& x, const auto& y) {
      return cost_s(x) < cost_s(y);
    });
    round_s -= dearest->last_slot_s;
    if (auto ok =
            drop(*dearest, "its " + std::to_string(settings.min_rounds) +
                               " rounds do not fit into the budget; a longer --budget measures it");
        !ok)
      return ok;
  }
  return Done{};
}

}  // namespace mlbench::run
