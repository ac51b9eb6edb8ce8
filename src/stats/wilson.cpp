#include "stats/wilson.hpp"

#include "stats/student_t.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlbench::stats {

std::optional<RateInterval> wilson_interval(int successes, int trials, double confidence) {
  if (trials < 1 || successes < 0 || successes > trials) return std::nullopt;
  if (!(confidence > 0 && confidence < 1)) return std::nullopt;
  const double normal = std::numeric_limits<double>::infinity();
  const double z = student_t_quantile(0.5 + confidence / 2, normal);
  const double n = trials, p = successes / n, z2n = z * z / n;
  const double center = (p + z2n / 2) / (1 + z2n);
  const double half = z * std::sqrt(p * (1 - p) / n + z2n / (4 * n)) / (1 + z2n);
  // At the ends the interval reaches the end exactly, which rounding would miss.
  return RateInterval{.rate = p,
                      .low = successes == 0 ? 0 : std::max(0.0, center - half),
                      .high = successes == trials ? 1 : std::min(1.0, center + half)};
}

double binomial_upper_tail(int successes, int trials, double rate) {
  if (successes <= 0) return 1;
  if (successes > trials) return 0;
  return incomplete_beta(successes, trials - successes + 1, rate);  // DLMF 8.17.5
}

int alarm_threshold(int comparisons, double promised, double false_alarm) {
  int k = 1;
  while (k <= comparisons && binomial_upper_tail(k, comparisons, promised) > false_alarm) ++k;
  return k;
}

}  // namespace mlbench::stats
