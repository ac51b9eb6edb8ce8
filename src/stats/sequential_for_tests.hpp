#pragma once

#include "stats/paired.hpp"

#include <cmath>
#include <vector>

/// The stop rule on numbers whose truth is known, quickly: what simulation_test.cpp and
/// tools/stats/sequential.cpp share.
namespace mlbench::stats {

inline constexpr int kFewestPairs = 6;

/// Half-widths of intervals of 0 to `most` pairs, in standard deviations of a pair.
inline std::vector<double> widths_of_one_sd(int most, double confidence, double inflation) {
  std::vector<double> widths(static_cast<std::size_t>(most) + 1);
  for (int pairs = kFewestPairs; pairs <= most; ++pairs)
    widths[static_cast<std::size_t>(pairs)] =
        *expected_half_width_log(1, pairs, confidence, inflation);
  return widths;
}

/// Mean and standard deviation of the pairs that were measured when the rule stopped.
struct Stopped {
  int pairs = 0;
  double mean = 0, sd = 0;
};

/// Adds pairs until the half-width at 95 %, by `widths`, is at most 1, or there are as many as
/// `widths` has.
template <class Draw>
Stopped measure_until_narrow(const std::vector<double>& widths, Draw draw) {
  Stopped s;
  double squares = 0;
  const int most = static_cast<int>(widths.size()) - 1;
  while (s.pairs < most) {
    const double x = draw(), before = x - s.mean;
    s.mean += before / ++s.pairs;
    squares += before * (x - s.mean);
    if (s.pairs < kFewestPairs) continue;
    s.sd = std::sqrt(squares / (s.pairs - 1));
    if (widths[static_cast<std::size_t>(s.pairs)] * s.sd <= 1) break;
  }
  return s;
}

/// The 95 % interval that a run would have, of means in hundredths: ratios near 1.
inline std::optional<RatioInterval> interval_of(const Stopped& s, double inflation,
                                                std::optional<double> inflation_beyond_95) {
  auto i = make_interval(0.01 * s.mean, 0.01 * s.sd, s.pairs, 0.95, std::nullopt, inflation);
  if (i) i->inflation_beyond_95 = inflation_beyond_95;
  return i;
}

/// Whether the interval of `widths` leaves out the true mean, 0.
inline bool misses(const Stopped& s, const std::vector<double>& widths) {
  return std::abs(s.mean) > widths[static_cast<std::size_t>(s.pairs)] * s.sd;
}

}  // namespace mlbench::stats
