#pragma once

#include "compare/verdicts.hpp"

#include <string_view>

/// Whether a run's verdicts deserve trust: one subject against a second process of itself, which
/// must come out equal, and against itself with more work, which must be found.
namespace mlbench::compare {

enum class ControlOutcome {
  equal,       ///< Null: the 99.9 % interval includes 1.
  different,   ///< Null: it does not. The run gets no verdicts.
  found,       ///< Positive: the 95 % interval lies above 1.
  missed,      ///< Positive: narrow enough to see the extra work, yet not found.
  undecided,   ///< Positive: not found, with an interval too wide to tell.
  not_tested,  ///< Fewer than 6 process pairs, or a side failed.
};
[[nodiscard]] std::string_view name_of(ControlOutcome outcome) noexcept;

struct Control {
  CaseVerdict verdict;
  bool positive = false;  ///< With more work on side b.
  ControlOutcome outcome = ControlOutcome::not_tested;
  /// At 99.9 %, by which a null control is judged: at 95 % every twentieth good run would fail.
  std::optional<stats::RatioInterval> wide;
};

/// Positive controls count as missed only when the half-width of their interval is below this.
inline constexpr double kControlWidth = 0.02;

[[nodiscard]] Control judge_control(CaseVerdict verdict);

/// Of all control cases of the run, in order.
[[nodiscard]] std::vector<Control> controls_of(const store::RunData& run);

/// `different` or `missed`.
[[nodiscard]] bool failed(const Control& control);

/// False when any control failed: the run then has no verdicts (verdicts_of()).
[[nodiscard]] bool trusted(const std::vector<Control>& controls);

/// "equal" (within 2 %), "no difference shown (...)", "found", "DIFFERENT (1.02x, 99.9 % range 1.01
/// to 1.03)": what a person reads after "A against A:" and "5 % more work:".
[[nodiscard]] std::string in_words(const Control& control);

}  // namespace mlbench::compare
