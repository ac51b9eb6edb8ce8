#include "stats/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mlbench::stats {

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

std::optional<double> quantile(std::span<const double> values, double q) {
  if (values.empty() || !all_finite(values) || !(q >= 0 && q <= 1)) return std::nullopt;
  std::vector<double> v(values.begin(), values.end());
  const double position = q * static_cast<double>(v.size() - 1);
  const auto lower = v.begin() + static_cast<std::ptrdiff_t>(std::floor(position));
  std::nth_element(v.begin(), lower, v.end());
  const double weight = position - std::floor(position);
  if (weight == 0) return *lower;
  // nth_element leaves the next order statistic as the smallest of the upper part.
  const double upper = *std::min_element(lower + 1, v.end());
  return std::lerp(*lower, upper, weight);
}

std::optional<double> median(std::span<const double> values) {
  return quantile(values, 0.5);
}

}  // namespace mlbench::stats
