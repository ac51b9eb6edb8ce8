#include "compare/verdicts.hpp"
#include "run/runner_impl.hpp"

#include <algorithm>

namespace mlbench::run {

using store::CaseStatus;

double time_left_s(double budget_s, double used_s) {
  constexpr double kLeast = 0.5;
  return std::max(budget_s - used_s, kLeast * budget_s);
}

bool Runner::Impl::is_settled(const CaseState& state) const {
  const auto& data = journal.data();
  const auto rounds = static_cast<int>(data.rounds_of(state.definition.id).size());
  if (rounds < settings.min_rounds) return false;
  if (rounds >= settings.max_rounds || state.spent_s > settings.case_budget_s) return true;
  const auto* record = data.find_case(state.definition.id);
  const double target =
      state.is_control ? std::max(settings.target, settings.control_target) : settings.target;
  const auto pairs = compare::pairs_of(data, *record);
  return std::all_of(pairs.begin(), pairs.end(), [&](const auto* pair) {
    const auto* a = data.find_cell(state.definition.id, pair->a);
    const auto* b = data.find_cell(state.definition.id, pair->b);
    const bool compared =
        a != nullptr && b != nullptr && a->status == CaseStatus::ok && b->status == CaseStatus::ok;
    return !compared || stats::settled(compare::verdict_of(data, *record, *pair).interval, target);
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
  while (remaining() > 1 && excess_s() > 0) {
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
