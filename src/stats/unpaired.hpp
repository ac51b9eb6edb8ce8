#pragma once

#include "stats/paired.hpp"

#include <optional>
#include <span>
#include <vector>

/// Comparing two sides that were not measured together: two runs, or several runs a side. What one
/// occasion did to its machine is then part of the difference, which no statistic can take out;
/// compare/ asks for an unchanged control before it gives a verdict.
namespace mlbench::stats {

/// Arithmetic mean; not a number for no values.
[[nodiscard]] double mean(std::span<const double> x);

/// Logs of times. nullopt when one is not finite and positive, or there is none.
[[nodiscard]] std::optional<std::vector<double>> log_times(std::span<const double> times_s);

/// Time of b / time of a from the logs of each side's units (processes of one run, or means of
/// several runs): difference of means, Welch's standard error sqrt(va/na + vb/nb), and the degrees
/// of freedom of Satterthwaite.
///
/// `pairs` of the result is the smaller number of units, `sd_log` the standard error times its
/// root. nullopt with fewer than two units on a side, a value that is not finite, or a bad
/// confidence. Source: B. L. Welch, Biometrika 34 (1947), 28-35.
[[nodiscard]] std::optional<RatioInterval> welch_interval(std::span<const double> logs_a,
                                                          std::span<const double> logs_b,
                                                          double confidence = 0.95);

/// One value a run, the mean over its processes: with several runs a side the run is the unit,
/// because the processes of one run share its occasion. Empty runs are left out.
[[nodiscard]] std::vector<double> run_means(std::span<const std::vector<double>> runs);

/// The interval of the mean of several ratios whose errors may be correlated in any way: mean of
/// the means, mean of the standard errors (exact when they are wholly correlated, too wide
/// otherwise), smallest degrees of freedom. nullopt when there is none.
[[nodiscard]] std::optional<RatioInterval> cautious_mean(std::span<const RatioInterval> intervals);

/// The interval made wider by `extra_log` on both sides: for what is known to be left out of it.
/// Only ratio, low and high may be used of the result. nullopt when extra_log is not finite and at
/// least 0.
[[nodiscard]] std::optional<RatioInterval> widened(const RatioInterval& interval, double extra_log);

}  // namespace mlbench::stats
