#pragma once

#include "run/runner.hpp"

#include <set>
#include <string>
#include <vector>

namespace mlbench::cli {

/// Which subjects a run compares with themselves: the first of its pairs with --quick, both sides
/// of that pair by default, all but native ones with --full.
[[nodiscard]] std::vector<std::string> control_subjects(const std::vector<run::PairPlan>& pairs,
                                                        const std::vector<std::string>& usable,
                                                        plan::Preset preset);

[[nodiscard]] std::set<std::string> ids_of(const plan::Candidates& candidates);

/// A null control and one with 5 % more work for each of `subjects`, on small cases that are not
/// among `taken` (case ids). A subject that can compute none of them gets none.
[[nodiscard]] Result<std::vector<run::ControlPlan>> plan_controls(
    run::Runner& runner, const std::vector<std::string>& subjects, std::set<std::string> taken);

}  // namespace mlbench::cli
