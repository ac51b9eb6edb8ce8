#pragma once

#include <optional>

namespace mlbench::stats {

/// Where the true rate behind "k of n" plausibly lies.
struct RateInterval {
  double rate, low, high;  ///< In [0, 1].
};

/// Wilson's score interval for `successes` of `trials`; unlike k/n +- sd it behaves at 0 and n.
///
/// Returns nullopt when trials < 1, successes is not in [0, trials] or confidence not in (0, 1).
/// Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927).
[[nodiscard]] std::optional<RateInterval> wilson_interval(int successes, int trials,
                                                          double confidence = 0.95);

/// P(X >= successes) for X binomial(trials, rate). 1 when successes <= 0, 0 when it exceeds trials.
[[nodiscard]] double binomial_upper_tail(int successes, int trials, double rate);

/// From how many false verdicts in `comparisons` of identical code on a rule that promises
/// `promised` deserves no trust here: the smallest count that a rule which keeps its promise
/// reaches with a chance of at most `false_alarm`. 8 of 60 with the defaults. May exceed
/// `comparisons`: then that many comparisons cannot raise an alarm.
[[nodiscard]] int alarm_threshold(int comparisons, double promised = 0.05,
                                  double false_alarm = 0.01);

}  // namespace mlbench::stats
