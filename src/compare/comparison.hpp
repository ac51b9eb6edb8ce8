#pragma once

#include "compare/setup.hpp"
#include "compare/verdicts.hpp"
#include "core/error.hpp"
#include "stats/summary.hpp"
#include "store/run_data.hpp"

#include <optional>
#include <string>
#include <vector>

/// Two sides, BASE and NEW, case by case. A side is one run, several runs, or one subject of a run.
/// Ratios are time of BASE / time of NEW: above 1, NEW is faster.
namespace mlbench::compare {

struct ComparisonRequest {
  std::vector<store::RunData> base, now;  ///< `now` empty: subjects of the base runs, interleaved.
  std::vector<SubjectMatch> subjects =
      {};                           ///< Empty: matched by name, then by framework and device.
  bool anyway = false;              ///< Show ratios of what is not comparable.
  std::optional<double> gate = {};  ///< A slow-down beyond it is a regression: 0.03.
};

/// One case on one pair of subjects. Every case of either side has an entry.
struct CaseComparison {
  std::string case_id, label;
  SubjectMatch subjects;
  workload::Work work = {};  ///< Of one call.
  /// Empty: the side lacks the case.
  std::optional<store::CaseStatus> base_status = {}, now_status = {};
  std::optional<stats::TimeSummary> base_time = {}, now_time = {};
  int runs = 1;                                       ///< The smaller number of runs a side.
  std::optional<stats::RatioInterval> interval = {};  ///< Over process pairs, processes, or runs.
  /// Where a side has too few processes or runs for a range.
  std::optional<double> ratio_without_range = {};
  double extra_log = 0;  ///< What the control could not exclude; part of `interval`.
  stats::Judgement judgement = {};
  std::string reason = {};              ///< Why there is no verdict; empty where there is one.
  std::vector<std::string> flags = {};  ///< docs/warnings.md.
  bool skipped = false;                 ///< Left out by plan on a side, or lacking there.
  bool was_measured = false;            ///< Some run of BASE has a result.
  /// For the gate: Holm's interval, and what it found. `left_out`: BASE has no result either, or
  /// there is no gate.
  std::optional<stats::RatioInterval> adjusted = {};
  enum class Gate { left_out, not_judged, held, regression, broken } gate = Gate::left_out;
};
[[nodiscard]] std::string_view name_of(CaseComparison::Gate gate) noexcept;

/// Whether a program that is the same on both sides took the same time: whether the machine was the
/// same machine that day.
struct OccasionControl {
  std::vector<std::string> subjects;  ///< Programs used; empty: there is none.
  int cases = 0;
  std::optional<stats::RatioInterval> interval;  ///< Time in BASE / time in NEW, over all cases.
  bool unchanged = false;                        ///< Wholly within 2 %.
};

struct GateResult {
  double margin = 0;
  int judged = 0, not_judged = 0, regressions = 0, broken = 0;
  std::vector<std::string> lost_subjects = {};  ///< Measured in BASE, without a partner in NEW.
  std::optional<bool> passed = {};              ///< Empty: nothing could be judged.
};

/// A control of one of the runs that failed: nothing that this run says is to be trusted.
struct FailedControl {
  std::string started;  ///< Of the run.
  bool in_base = false, in_new = false;
  std::string sentence;  ///< "torch:cpu against itself came out DIFFERENT (...)".
};

struct Comparison {
  bool interleaved = false;  ///< Both sides were measured together, in one run.
  bool same_machine = true;
  std::string refusal;  ///< Why the sides are not comparable; empty when they are.
  std::vector<SetupDifference> differences;
  std::vector<SubjectMatch> subjects;
  std::vector<std::string> unmatched;               ///< Sentences: subjects that one side lacks.
  std::map<std::string, OccasionControl> controls;  ///< By kind of device, "cpu" or "gpu".
  std::vector<FailedControl> failed_controls;       ///< Any one withholds all verdicts.
  std::vector<std::string> rehearsals;              ///< Recorded machines whose times are invented.
  std::vector<CaseComparison> cases;                ///< Empty where the sides are refused.
  std::optional<GateResult> gate;
};

/// Errors: `usage` for a run given twice, subjects that do not exist, or nothing to compare.
[[nodiscard]] Result<Comparison> compare_sides(const ComparisonRequest& request);

/// "1.06x faster (95 % range 1.03 to 1.09)", "equal within 2 %", "no verdict: ...": of NEW.
[[nodiscard]] std::string sentence(const CaseComparison& c);

}  // namespace mlbench::compare
