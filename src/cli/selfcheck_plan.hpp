#pragma once

#include "run/runner.hpp"

#include <string>
#include <vector>

namespace mlbench::cli {

/// The subjects of a self-check: `found`, but no native ones, and for each on a CPU of several
/// cores the same once more with one thread ("torch@1thread:cpu").
[[nodiscard]] std::vector<run::Subject> selfcheck_subjects(const std::vector<run::Subject>& found,
                                                           std::int64_t cores);

/// What every trial compares of one subject.
struct SelfcheckCases {
  std::string subject;
  std::vector<workload::Case> nulls;  ///< Five of about 1 ms a call and one of about 20 ms.
  /// Five whose samples take about 1 ms: a share of more work is a call more in so many, and longer
  /// calls would make blocks longer than those of any other case.
  std::vector<workload::Case> injected;
};

/// Tries square products on each usable subject until the sizes are known. No case is used twice.
/// `least_change`: the smallest share of work that will be added.
[[nodiscard]] Result<std::vector<SelfcheckCases>> plan_selfcheck(
    run::Runner& runner, const std::vector<std::string>& usable, double least_change);

/// As controls of one trial: all nulls and the first injected case, or without `nulls` all injected
/// ones, with `change` (a share; 0: no injected case) more work.
[[nodiscard]] std::vector<run::ControlPlan> controls_of_trial(
    const std::vector<SelfcheckCases>& cases, double change, bool nulls);

}  // namespace mlbench::cli
