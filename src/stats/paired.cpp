#include "stats/paired.hpp"

#include "stats/quantile.hpp"
#include "stats/student_t.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlbench::stats {
namespace {

bool all_times(std::span<const double> times) {
  return std::all_of(times.begin(), times.end(),
                     [](double t) { return std::isfinite(t) && t > 0; });
}

}  // namespace

std::optional<std::vector<double>> block_times(Blocks blocks, BlockStatistic statistic) {
  if (blocks.empty()) return std::nullopt;
  std::vector<double> times;
  times.reserve(blocks.size());
  for (const std::vector<double>& samples : blocks) {
    if (!all_times(samples)) return std::nullopt;
    const auto time = quantile(samples, statistic == BlockStatistic::median ? 0.5 : 0.25);
    if (!time) return std::nullopt;
    times.push_back(*time);
  }
  return times;
}

std::optional<std::vector<double>> block_log_ratios(std::span<const double> times_a,
                                                    std::span<const double> times_b) {
  if (times_a.empty() || times_a.size() != times_b.size()) return std::nullopt;
  if (!all_times(times_a) || !all_times(times_b)) return std::nullopt;
  std::vector<double> ratios(times_a.size());
  // A difference of logs, because the quotient of two extreme times may overflow.
  std::transform(times_a.begin(), times_a.end(), times_b.begin(), ratios.begin(),
                 [](double a, double b) { return std::log(b) - std::log(a); });
  return ratios;
}

std::optional<double> pair_log_ratio(Blocks a, Blocks b, BlockStatistic statistic) {
  const auto times_a = block_times(a, statistic), times_b = block_times(b, statistic);
  if (!times_a || !times_b) return std::nullopt;
  const auto ratios = block_log_ratios(*times_a, *times_b);
  if (!ratios) return std::nullopt;
  return median(*ratios);
}

std::optional<RatioInterval> make_interval(double mean_log, double sd_log, int pairs,
                                           double confidence, std::optional<double> welch_df,
                                           double inflation) {
  const auto half_width = expected_half_width_log(sd_log, pairs, confidence, inflation, welch_df);
  if (!half_width) return std::nullopt;
  const RatioInterval interval{.ratio = std::exp(mean_log),
                               .low = std::exp(mean_log - *half_width),
                               .high = std::exp(mean_log + *half_width),
                               .pairs = pairs,
                               .half_width_log = *half_width,
                               .mean_log = mean_log,
                               .sd_log = sd_log,
                               .confidence = confidence,
                               .inflation = inflation,
                               .welch_df = welch_df};
  if (!(interval.low > 0) || !std::isfinite(interval.high)) return std::nullopt;
  return interval;
}

std::optional<RatioInterval> ratio_interval(std::span<const double> pair_log_ratios,
                                            double confidence, double inflation) {
  const auto d = pair_log_ratios;
  if (d.size() < 2 || !all_finite(d)) return std::nullopt;
  const auto n = static_cast<double>(d.size());
  const double mean = std::accumulate(d.begin(), d.end(), 0.0) / n;
  const double squares = std::accumulate(
      d.begin(), d.end(), 0.0, [&](double sum, double x) { return sum + (x - mean) * (x - mean); });
  return make_interval(mean, std::sqrt(squares / (n - 1)), static_cast<int>(d.size()), confidence,
                       std::nullopt, inflation);
}

double inflation_at(const RatioInterval& i, double confidence) {
  constexpr double kRounding = 1e-12;  // 1 - 0.05 / K may be a little more than 0.95 for K = 1
  return confidence > 0.95 + kRounding ? i.inflation_beyond_95.value_or(i.inflation) : i.inflation;
}

std::optional<RatioInterval> at_confidence(const RatioInterval& i, double confidence) {
  auto other = make_interval(i.mean_log, i.sd_log, i.pairs, confidence, i.welch_df,
                             inflation_at(i, confidence));
  if (!other) return other;
  other->inflation = i.inflation;
  other->inflation_beyond_95 = i.inflation_beyond_95;
  return other;
}

std::optional<double> expected_half_width_log(double sd_log, int pairs, double confidence,
                                              double inflation, std::optional<double> welch_df) {
  if (pairs < 2 || !std::isfinite(sd_log) || sd_log < 0) return std::nullopt;
  if (!(confidence > 0 && confidence < 1) || !(inflation >= 1)) return std::nullopt;
  if (welch_df && !(*welch_df > 0)) return std::nullopt;
  const double t = student_t_quantile(0.5 + confidence / 2, welch_df.value_or(pairs - 1));
  return inflation * t * sd_log / std::sqrt(pairs);
}

}  // namespace mlbench::stats
