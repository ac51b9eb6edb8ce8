#include "stats/unpaired.hpp"

#include "stats/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlbench::stats {
namespace {

/// Variance of the mean: sample variance / n.
double squared_error(std::span<const double> x, double mean) {
  const double squares = std::accumulate(
      x.begin(), x.end(), 0.0, [&](double sum, double v) { return sum + (v - mean) * (v - mean); });
  const auto n = static_cast<double>(x.size());
  return squares / (n - 1) / n;
}

}  // namespace

double mean(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

std::optional<std::vector<double>> log_times(std::span<const double> times_s) {
  if (times_s.empty()) return std::nullopt;
  std::vector<double> logs;
  for (const double t : times_s) {
    if (!std::isfinite(t) || t <= 0) return std::nullopt;
    logs.push_back(std::log(t));
  }
  return logs;
}

std::optional<RatioInterval> welch_interval(std::span<const double> logs_a,
                                            std::span<const double> logs_b, double confidence) {
  if (logs_a.size() < 2 || logs_b.size() < 2) return std::nullopt;
  if (!all_finite(logs_a) || !all_finite(logs_b)) return std::nullopt;
  const double mean_a = mean(logs_a), mean_b = mean(logs_b);
  const double ea = squared_error(logs_a, mean_a), eb = squared_error(logs_b, mean_b);
  const auto df_a = static_cast<double>(logs_a.size() - 1),
             df_b = static_cast<double>(logs_b.size() - 1);
  const double sum = ea + eb;
  // Shares, because the squares of tiny variances underflow.
  const double share_a = sum > 0 ? ea / sum : 0.5, share_b = sum > 0 ? eb / sum : 0.5;
  const double df = 1 / (share_a * share_a / df_a + share_b * share_b / df_b);
  const auto units = static_cast<int>(std::min(logs_a.size(), logs_b.size()));
  return make_interval(mean_b - mean_a, std::sqrt(sum * units), units, confidence, df);
}

std::vector<double> run_means(std::span<const std::vector<double>> runs) {
  std::vector<double> means;
  for (const auto& run : runs) {
    if (!run.empty()) means.push_back(mean(run));
  }
  return means;
}

std::optional<RatioInterval> cautious_mean(std::span<const RatioInterval> intervals) {
  if (intervals.empty()) return std::nullopt;
  const auto n = static_cast<double>(intervals.size());
  double mean_log = 0, error = 0, df = intervals.front().degrees_of_freedom();
  double inflation = 1;
  int units = intervals.front().pairs;
  for (const auto& i : intervals) {
    mean_log += i.mean_log / n;
    error += i.sd_log / std::sqrt(i.pairs) / n;
    df = std::min(df, i.degrees_of_freedom());
    units = std::min(units, i.pairs);
    inflation = std::max(inflation, i.inflation);
  }
  return make_interval(mean_log, error * std::sqrt(units), units, intervals.front().confidence, df,
                       inflation);
}

std::optional<RatioInterval> widened(const RatioInterval& interval, double extra_log) {
  if (!std::isfinite(extra_log) || extra_log < 0) return std::nullopt;
  RatioInterval wide = interval;
  wide.half_width_log += extra_log;
  wide.low = std::exp(wide.mean_log - wide.half_width_log);
  wide.high = std::exp(wide.mean_log + wide.half_width_log);
  if (!(wide.low > 0) || !std::isfinite(wide.high)) return std::nullopt;
  return wide;
}

}  // namespace mlbench::stats
