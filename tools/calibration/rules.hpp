#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// How other tools decide whether two benchmarks differ, each written from its documented
/// definition. Times are seconds a call, in the order measured.
namespace mlbench::calibration {

using Times = std::span<const double>;

/// What a rule says of B against A.
struct Opinion {
  int sign = 0;             ///< 1: B is slower, -1: B is faster, 0: no difference claimed.
  double estimate_log = 0;  ///< log of time of B / time of A.
  /// Half the width of the range that the tool itself prints, in logs; empty: it prints none.
  std::optional<double> half_width_log;
};

struct Rule {
  std::string name;
  std::string source;  ///< Where it is defined.
  std::function<Opinion(Times a, Times b)> judge;
};

/// hyperfine: the ratio of the means with the propagated standard deviation, as its summary prints
/// it ("1.05 ± 0.03 times faster"); claimed where one standard deviation excludes 1.
[[nodiscard]] Opinion hyperfine_summary(Times a, Times b);
/// hyperfine's scripts/welch_ttest.py: Welch's t test, p < 0.05.
[[nodiscard]] Opinion hyperfine_welch(Times a, Times b);
/// Google Benchmark's compare.py: two-sided Mann-Whitney U test, p < 0.05, on the means of
/// `repetitions` equal stretches (its page asks for at least 9 repetitions).
[[nodiscard]] Opinion google_benchmark(Times a, Times b, std::size_t repetitions = 10);
/// criterion.rs with its defaults: 100 samples of equal numbers of calls, 10 000 resamples (its 100
/// 000 would change p by less than 0.005), significance 0.05, noise threshold 1 %: changed where
/// the bootstrapped t test is significant and the 95 % range of the change of the mean lies wholly
/// beyond the threshold.
[[nodiscard]] Opinion criterion(Times a, Times b, int resamples = 10000, std::uint64_t seed = 1);
/// nvbench_compare.py: the relative difference of the means exceeds the smaller of both sides'
/// relative standard deviations.
[[nodiscard]] Opinion nvbench(Times a, Times b);

[[nodiscard]] std::vector<Rule> other_tools();

/// p of the two-sided Mann-Whitney U test by the normal approximation with corrections for ties and
/// continuity, as scipy.stats.mannwhitneyu computes it for more than 8 values a side.
/// Source: H. B. Mann, D. R. Whitney, Ann. Math. Statist. 18 (1947), 50-60.
[[nodiscard]] double mann_whitney_p(Times a, Times b);

/// Means of `parts` equal stretches; a rest that does not fill one is left out. All values where
/// there are fewer than `parts`.
[[nodiscard]] std::vector<double> stretch_means(Times times, std::size_t parts);

}  // namespace mlbench::calibration
