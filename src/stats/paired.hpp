#pragma once

#include <optional>
#include <span>
#include <vector>

/// The statistics of paired comparisons. docs/statistics.md states them for readers; change both
/// together. All ratios are time of b / time of a: above 1, a is faster.
namespace mlbench::stats {

/// The kept samples (seconds per call) of each block of one process, in the order measured: the
/// first sample of every block is already dropped. Block i of one side was measured next to block i
/// of the other.
using Blocks = std::span<const std::vector<double>>;

/// How the samples of one block become one number. The median decides; the lower quartile is the
/// cross-check.
enum class BlockStatistic { median, lower_quartile };

/// One statistic a block, in order. nullopt when there is no block, or one is empty or holds a time
/// that is not finite and positive.
[[nodiscard]] std::optional<std::vector<double>> block_times(
    Blocks blocks, BlockStatistic statistic = BlockStatistic::median);

/// log(time_b / time_a) of each block pair. nullopt when the numbers of blocks differ, there is
/// none, or a time is not finite and positive.
[[nodiscard]] std::optional<std::vector<double>> block_log_ratios(std::span<const double> times_a,
                                                                  std::span<const double> times_b);

/// d_p of one process pair: the median over its block pairs of log(time_b / time_a). nullopt as in
/// the two functions above.
[[nodiscard]] std::optional<double> pair_log_ratio(
    Blocks a, Blocks b, BlockStatistic statistic = BlockStatistic::median);

/// A ratio of times with its interval. The process pair is the only unit of inference; where two
/// sides were not measured together, unpaired.hpp says what a unit is.
struct RatioInterval {
  double ratio = 1, low = 1, high = 1;  ///< exp(mean_log), exp(mean_log -+ half_width_log).
  int pairs = 0;                        ///< P, the number of process pairs.
  double half_width_log = 0;            ///< h = inflation · t_{1-a/2, df} · sd_log / sqrt(P).
  double mean_log = 0, sd_log = 0;      ///< Mean and sample standard deviation of d_p.
  double confidence = 0.95;             ///< 1 - a.
  double inflation = 1;  ///< At 95 %: what the stop rule costs; see kSequentialInflation.
  std::optional<double> inflation_beyond_95 = {};  ///< Beyond 95 %; empty: the same.
  std::optional<double> welch_df = {};             ///< Degrees of freedom; empty: P - 1.

  [[nodiscard]] double degrees_of_freedom() const { return welch_df.value_or(pairs - 1); }
};

/// Stopping when an interval is narrow favours runs whose sd came out small by chance: with
/// Student's own half-width such an interval misses the truth in up to 7.6 % of cases instead of 5
/// %. Wider by this factor it misses in at most 5.0 %, whatever the true sd, for a least number of
/// pairs of 6 and a largest of 20 to 60. Found by simulation; simulation_test.cpp repeats it,
/// docs/statistics.md has the table and what else was tried.
inline constexpr double kSequentialInflation = 1.13;
/// The same for levels beyond 95 %, at which null controls are judged and several cases taken
/// together (99 to 99.9 %): the rule still stops on the width at 95 %, and with 1.13 such intervals
/// would miss in up to 1.18 times the promised share. Runs that were judged with 1.13 there stay so
/// (RatioInterval::inflation_beyond_95).
inline constexpr double kSequentialInflationBeyond95 = 1.16;

/// The interval that follows from mean and standard deviation of `pairs` units; `welch_df` where
/// its degrees of freedom are not pairs - 1. nullopt as in ratio_interval().
[[nodiscard]] std::optional<RatioInterval> make_interval(
    double mean_log, double sd_log, int pairs, double confidence = 0.95,
    std::optional<double> welch_df = std::nullopt, double inflation = 1);

/// Student's t interval over the pairs' log ratios, wider by `inflation`: 1 where the number of
/// pairs was fixed beforehand, kSequentialInflation where the width decided it. nullopt for fewer
/// than two pairs, a value that is not finite, bounds beyond the range of double, a confidence not
/// in (0, 1) or an inflation below 1.
[[nodiscard]] std::optional<RatioInterval> ratio_interval(std::span<const double> pair_log_ratios,
                                                          double confidence = 0.95,
                                                          double inflation = 1);

/// What the half-width of `interval`'s data is multiplied by at `confidence`.
[[nodiscard]] double inflation_at(const RatioInterval& interval, double confidence);

/// The same data at another confidence, with the inflation of that level. nullopt as in
/// ratio_interval().
[[nodiscard]] std::optional<RatioInterval> at_confidence(const RatioInterval& interval,
                                                         double confidence);

/// Half-width in log units to expect from `pairs` pairs when the standard deviation between pairs
/// is `sd_log`. nullopt when pairs < 2, sd_log is not finite or negative, a bad confidence or an
/// inflation below 1.
[[nodiscard]] std::optional<double> expected_half_width_log(
    double sd_log, int pairs, double confidence = 0.95, double inflation = 1,
    std::optional<double> welch_df = std::nullopt);

}  // namespace mlbench::stats
