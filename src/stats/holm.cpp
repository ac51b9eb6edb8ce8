#include "stats/holm.hpp"

#include "stats/student_t.hpp"

#include <algorithm>
#include <cmath>

namespace mlbench::stats {
namespace {

/// Places of the entries that hold a value, smallest value first.
std::vector<std::size_t> ascending(std::span<const std::optional<double>> values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return *values[i] < *values[j]; });
  return order;
}

}  // namespace

double p_value(const RatioInterval& i, double margin) {
  const double excess = std::abs(i.mean_log) - std::log1p(margin);
  if (excess <= 0) return 1;
  if (i.sd_log == 0) return 0;
  const auto p_at = [&](double confidence) {
    const double error =
        inflation_at(i, confidence) * i.sd_log / std::sqrt(static_cast<double>(i.pairs));
    return student_t_two_sided(excess / error, i.degrees_of_freedom());
  };
  // Intervals beyond 95 % are wider by another factor than those at 95 %. Between the two p stays
  // just below 5 %: excluded at 95 %, and at no level beyond.
  constexpr double kAlpha = 0.05;
  const double p = p_at(0.95);
  return p >= kAlpha ? p : std::min(p_at(0.999), std::nextafter(kAlpha, 0.0));
}

std::vector<std::optional<double>> holm_adjust(std::span<const std::optional<double>> p_values) {
  std::vector<std::optional<double>> adjusted(p_values.size());
  const auto order = ascending(p_values);
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto remaining = static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, remaining * *p_values[order[rank]]));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

std::vector<std::optional<RatioInterval>> holm_intervals(
    std::span<const std::optional<RatioInterval>> intervals, double confidence, double margin) {
  std::vector<std::optional<double>> p(intervals.size());
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    if (intervals[i]) p[i] = p_value(*intervals[i], margin);
  }
  const auto order = ascending(p);
  std::vector<std::optional<RatioInterval>> adjusted(intervals.size());
  const double alpha = 1 - confidence;
  // Every rejection leaves one test less to share alpha; the first failure fixes it for the rest.
  std::size_t rejected = 0;
  bool failed = false;
  for (const std::size_t i : order) {
    const double share = alpha / static_cast<double>(order.size() - rejected);
    adjusted[i] = at_confidence(*intervals[i], 1 - share);
    failed = failed || *p[i] >= share;
    if (!failed) ++rejected;
  }
  return adjusted;
}

}  // namespace mlbench::stats
