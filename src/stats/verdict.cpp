#include "stats/verdict.hpp"

#include "stats/quantile.hpp"

#include <cmath>

namespace mlbench::stats {
namespace {

bool excludes_one(const RatioInterval& i) {
  return i.low > 1 || i.high < 1;
}

/// Change from the first to the last third, in logs; nullopt when that cannot be said.
std::optional<double> change(std::span<const double> times) {
  const std::size_t third = times.size() / 3;
  if (third == 0) return std::nullopt;
  const auto first = median(times.first(third)), last = median(times.last(third));
  if (!first || !last || *first <= 0 || *last <= 0) return std::nullopt;
  return std::abs(std::log(*last) - std::log(*first));
}

}  // namespace

std::string_view name_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::faster: return "faster";
    case Verdict::slower: return "slower";
    case Verdict::equal: return "equal";
    case Verdict::undecided: return "undecided";
    case Verdict::invalid: return "invalid";
  }
  return "invalid";
}

Judgement judge(const std::optional<RatioInterval>& interval, const JudgeOptions& options) {
  if (!interval || interval->pairs < options.min_pairs) return {};
  if (interval->low > 1) return {Verdict::faster, interval->low <= 1 + options.practical};
  if (interval->high < 1) return {Verdict::slower, interval->high >= 1 / (1 + options.practical)};
  const double edge = 1 + options.equal_margin;
  const bool within = interval->low > 1 / edge && interval->high < edge;
  return {within ? Verdict::equal : Verdict::undecided, false};
}

bool settled(const std::optional<RatioInterval>& interval, double target) {
  return interval && interval->half_width_log <= std::log1p(target);
}

bool drifted(std::span<const double> block_times_a, std::span<const double> block_times_b,
             double half_width_log) {
  const auto a = change(block_times_a), b = change(block_times_b);
  const double limit = 3 * half_width_log;
  return (a && *a > limit) || (b && *b > limit);
}

bool unstable(const std::optional<RatioInterval>& by_median,
              const std::optional<RatioInterval>& by_lower_quartile) {
  if (!by_median || !by_lower_quartile) return false;
  const bool opposite = by_median->mean_log * by_lower_quartile->mean_log < 0;
  return opposite && (excludes_one(*by_median) || excludes_one(*by_lower_quartile));
}

}  // namespace mlbench::stats
