#pragma once

#include "compare/stopping.hpp"
#include "stats/paired.hpp"
#include "stats/summary.hpp"
#include "stats/verdict.hpp"
#include "store/run_data.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// From a run's blocks to what may be said about them. Everything here is computed from RunData
/// alone, so the same journal always gives the same verdicts.
namespace mlbench::compare {

/// The comparison of two subjects on one case. Ratios are time of b / time of a: above 1, a is
/// faster.
struct CaseVerdict {
  std::string case_id, a, b;
  bool control = false;
  /// Controls: work of b / work of a, as it was really done; 1 elsewhere.
  double true_ratio = 1;
  std::vector<double> pair_log_ratios;  ///< One a process pair, in order of rounds.
  std::optional<stats::RatioInterval> interval;
  stats::Judgement judgement;
  std::vector<std::string> flags;  ///< "drift", "unstable"; docs/warnings.md.
  std::string reason;              ///< Why the verdict is `invalid`.
  /// There are enough pairs, but a control of the run failed: `interval` is what was measured, and
  /// says nothing of who is faster.
  bool withheld = false;
  std::optional<double> target;           ///< Half-width at which it would be settled, as a share.
  std::optional<StopReason> stop_reason;  ///< Why it has no more pairs; empty where not known.
};

/// Why a run whose controls failed has no verdicts.
inline constexpr const char* kControlFailed = "a control of this run failed";

/// All declared pairs over all cases, controls included, in which both sides have a result or one
/// side failed; pairs whose case was skipped on a side are left out. Order: cases, then pairs, as
/// declared. Where a control of the run failed all but those of controls are withheld, on whatever
/// device they were measured: what made it fail (order, other load, a worker that does not wait)
/// sits in the machine or in the way of measuring, and most runs have controls of one device only.
[[nodiscard]] std::vector<CaseVerdict> verdicts_of(const store::RunData& run);

/// The declared pairs that `c` is about: those of frameworks, or for a control its own.
[[nodiscard]] std::vector<const store::PairRecord*> pairs_of(const store::RunData& run,
                                                             const store::CaseRecord& c);

/// One pair on one case, whatever the controls say; used by the stop rule too.
[[nodiscard]] CaseVerdict verdict_of(const store::RunData& run, const store::CaseRecord& c,
                                     const store::PairRecord& pair);

/// d_p of each round that has one (stats::pair_log_ratio).
[[nodiscard]] std::map<int, double> log_ratios_by_round(const store::RunData& run,
                                                        const store::CaseRecord& c,
                                                        const store::PairRecord& pair);

/// Seconds per call of each process of one subject on one case, in order of rounds.
[[nodiscard]] std::vector<double> process_times_s(const store::Cell& cell);

/// Time per call of one subject on one case over the run's processes. nullopt when it has no
/// blocks.
[[nodiscard]] std::optional<stats::TimeSummary> time_of(const store::Cell& cell);

/// "PyTorch is 1.06x faster (95 % range 1.03 to 1.09)"; names are how `name_a` and `name_b` are
/// shown. A withheld verdict gives its ratio as a number.
[[nodiscard]] std::string sentence(const CaseVerdict& verdict, const std::string& name_a,
                                   const std::string& name_b);

}  // namespace mlbench::compare
