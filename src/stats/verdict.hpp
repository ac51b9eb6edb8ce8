#pragma once

#include "stats/paired.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace mlbench::stats {

/// What a comparison of a with b allows to say. There is no "same": only "equal within a margin".
enum class Verdict {
  faster,     ///< a is faster: the interval lies above 1.
  slower,     ///< a is slower: the interval lies below 1.
  equal,      ///< The interval includes 1 and lies wholly within the equal margin.
  undecided,  ///< No difference shown, and none of that size excluded.
  invalid,    ///< No interval, or too few process pairs for one to be trusted.
};

/// JSON spelling, e.g. "undecided".
[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept;

struct JudgeOptions {
  int min_pairs = 6;           ///< Fewer process pairs give `invalid`.
  double practical = 0.01;     ///< Differences below it matter to nobody.
  double equal_margin = 0.02;  ///< "equal within 2 %".
};

struct Judgement {
  Verdict verdict = Verdict::invalid;
  /// faster or slower, yet the interval reaches into [1/(1+practical), 1+practical]: the difference
  /// "may be below 1 %".
  bool below_practical = false;
};

/// The verdict rule. Wrong results and failed gates make a case `invalid` before it gets here.
[[nodiscard]] Judgement judge(const std::optional<RatioInterval>& interval,
                              const JudgeOptions& options = {});

/// The stop rule: whether the interval is narrow enough, h <= log(1 + target). Looks at the width
/// alone, never at where the interval lies: stopping when something looks significant finds
/// differences that are not there. The least number of rounds is the caller's to keep.
[[nodiscard]] bool settled(const std::optional<RatioInterval>& interval, double target);

/// Whether either side changed during the measurement by more than its comparison can tell: the
/// medians of its first and last third of block times (in the order measured, all rounds) differ by
/// more than 3·h, in logs. False for fewer than three blocks or a time that is not positive.
[[nodiscard]] bool drifted(std::span<const double> block_times_a,
                           std::span<const double> block_times_b, double half_width_log);

/// Whether block medians and block lower quartiles tell opposite stories: their estimates lie on
/// opposite sides of 1 and at least one of the two intervals excludes 1. (Where neither does, the
/// sign of the estimate is noise.)
[[nodiscard]] bool unstable(const std::optional<RatioInterval>& by_median,
                            const std::optional<RatioInterval>& by_lower_quartile);

}  // namespace mlbench::stats
