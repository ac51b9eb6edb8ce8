#pragma once

#include "run/runner.hpp"

#include <string>
#include <vector>

namespace mlbench::cli {

/// The subjects of a self-check: `found`, but no native ones, and for each on a CPU of several
/// cores the same once more with one thread ("torch@1thread:cpu").
[[nodiscard]] std::vector<run::Subject> selfcheck_subjects(const std::vector<run::Subject>& found,
                                                           std::int64_t cores);

/// Cases to which one share of work is added: samples of about 1 and of about 20 ms in turn, three
/// of each. A share of more work is one call more in so many, so calls are that much shorter than
/// the sample, and blocks as long as those of any other case.
struct InjectedCases {
  double change = 0;  ///< Share of work.
  std::vector<workload::Case> cases;
};

/// What every trial compares of one subject.
struct SelfcheckCases {
  std::string subject;
  std::vector<workload::Case> nulls;  ///< One of about 20 ms a call and five of about 1 ms.
  std::vector<InjectedCases> injected;
};

/// The cases of `subject`, given how long it takes for the squares of selfcheck_candidates(); no
/// nulls when it can compute none. `serial` counts the cases of all subjects: none is used twice.
[[nodiscard]] SelfcheckCases selfcheck_cases(const std::string& subject,
                                             const plan::Estimates& estimates,
                                             const std::vector<double>& changes,
                                             std::int64_t& serial);
/// Square products in float32, each about twice the work of the one before.
[[nodiscard]] plan::Family selfcheck_candidates();

/// Tries square products on each usable subject until the sizes are known.
[[nodiscard]] Result<std::vector<SelfcheckCases>> plan_selfcheck(
    run::Runner& runner, const std::vector<std::string>& usable,
    const std::vector<double>& changes);

/// As controls of one trial: all nulls and an injected case of each length, or without `nulls` all
/// injected ones, with `change` (a share; 0: no injected case) more work. Subjects take turns, so
/// that the first N comparisons are spread over all subjects and devices.
[[nodiscard]] std::vector<run::ControlPlan> controls_of_trial(
    const std::vector<SelfcheckCases>& cases, double change, bool nulls);

}  // namespace mlbench::cli
