#pragma once

#include "compare/comparison.hpp"
#include "core/json.hpp"

#include <string>
#include <vector>

/// `mlbench compare` as people, scripts and continuous integration read it.
namespace mlbench::report {

struct ComparisonView {
  std::vector<std::string> base, now;     ///< Paths of the journals; `now` empty: within `base`.
  std::string base_machine, now_machine;  ///< In one line each.
  compare::Comparison comparison;
};

/// The paths and machines of the runs that `request` names, with what comes of comparing them.
[[nodiscard]] ComparisonView view_comparison(const compare::ComparisonRequest& request,
                                             std::vector<std::string> base,
                                             std::vector<std::string> now,
                                             compare::Comparison comparison);

/// For a terminal.
[[nodiscard]] std::string to_text(const ComparisonView& view);
/// For a pull request or a job summary.
[[nodiscard]] std::string to_markdown(const ComparisonView& view);
/// Workflow commands of GitHub Actions, one a line: an error for each regression and each case that
/// broke, a warning for each that could not be judged under a gate, a notice for the outcome.
[[nodiscard]] std::string to_github(const ComparisonView& view);
/// Schema "mlbench.compare/1" of docs/json.md.
[[nodiscard]] Json to_json(const ComparisonView& view);

/// "fail: 1 of 12 cases is slower by more than 3 %"; empty without a gate.
[[nodiscard]] std::string gate_sentence(const compare::Comparison& comparison);

}  // namespace mlbench::report
