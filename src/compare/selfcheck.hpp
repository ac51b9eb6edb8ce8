#pragma once

#include "compare/controls.hpp"
#include "stats/wilson.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What many controls say together: whether the verdict rule keeps its promise on this machine.
namespace mlbench::compare {

/// One comparison of a subject with itself, ready to be counted.
struct SelfComparison {
  CaseVerdict verdict;
  std::string group;          ///< "torch:cpu, about 1 ms": what it is counted with.
  std::string total;          ///< "all on cpu, about 1 ms": groups that are added up.
  double change = 0;          ///< Work added to side b as asked for, as a share; 0 for a null.
  double sample_s = 0;        ///< Median time of a sample of side a; 0 where nothing was measured.
  double seconds_a_pair = 0;  ///< Mean duration of its slots; 0 where the journal does not tell.
};

/// The controls of `run`, with their group by subject and length of a sample: what is timed at
/// once is one call where calls are long, and many where they are short.
[[nodiscard]] std::vector<SelfComparison> comparisons_of(const store::RunData& run);

struct SelfcheckGroup {
  std::string name;
  int comparisons = 0, false_verdicts = 0;
  double sample_s = 0;        ///< Median over the comparisons.
  double sd_log = 0;          ///< Of the pairs' log ratios, pooled over the group's comparisons.
  double seconds_a_pair = 0;  ///< Median over the comparisons.
  /// Expected half-widths, as shares, from 6, 10 and 20 pairs.
  double width_6 = 0, width_10 = 0, width_20 = 0;
  /// From a case's own 60 s, of which a run makes 30 pairs at most; empty where 6 do not fit. It
  /// assumes slots as long as those of the self-check and processes that are started already: what
  /// a start takes is shared by all cases of a round, and is not in `seconds_a_pair`. So where few
  /// cases are measured, and 30 pairs do not fit, it comes out a little too narrow.
  std::optional<double> width_60_s = {};
};

/// How often extra work was found in one group of comparisons.
struct Power {
  std::string name;
  int trials = 0, found = 0, wrong = 0, covered = 0;
  double mean_measured = 0;  ///< Mean of the estimated log ratios: close to log(1 + change).
  double sample_s = 0;       ///< Median over the trials.
  double seconds = 0;        ///< Mean measuring time of a trial, all its pairs; 0 where unknown.
};

/// One share of extra work, a power for each group: what is found at 1 ms may be missed at 20 ms.
struct InjectedResult {
  double change = 0;
  Power all;
  std::vector<Power> groups, totals;  ///< As SelfcheckResult's.
};

struct SelfcheckResult {
  int comparisons = 0, false_verdicts = 0;
  int without_verdict = 0;  ///< Too few pairs, or a side failed; not among `comparisons`.
  std::optional<stats::RateInterval> false_rate;  ///< Wilson's range.
  int alarm_from = 0;                             ///< False verdicts from which on there is alarm.
  int intervals = 0, covered = 0;                 ///< Of nulls and injected ones together.
  std::vector<InjectedResult> injected;           ///< By change.
  std::vector<SelfcheckGroup> groups;             ///< By subject and length of a sample.
  /// By kind of device and length of a sample, where that adds up several groups.
  std::vector<SelfcheckGroup> totals;

  /// The rule does not keep its promise here, or reports changes with the wrong sign.
  [[nodiscard]] bool alarm() const;
};

/// Counts the first `most` null comparisons that have a verdict, and all injected ones.
[[nodiscard]] SelfcheckResult summarize(const std::vector<SelfComparison>& comparisons, int most);

/// Null comparisons made from the stored pairs of `comparisons`, at no measuring cost: for each
/// case the pairs of all runs are drawn in random order with labels flipped at random, and the stop
/// rule and the verdict rule are applied. Label flips make the null exact. Returns `draws`
/// comparisons, spread evenly over the cases that have at least 12 pairs; draws share pairs, so
/// their number says nothing about certainty.
[[nodiscard]] std::vector<SelfComparison> regroup(const std::vector<SelfComparison>& comparisons,
                                                  int draws, double target, std::uint64_t seed);

}  // namespace mlbench::compare
