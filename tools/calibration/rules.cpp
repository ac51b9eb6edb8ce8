#include "rules.hpp"

#include "stats/quantile.hpp"
#include "stats/student_t.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace mlbench::calibration {
namespace {

double mean(Times x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

double variance(Times x) {
  const double m = mean(x);
  double sum = 0;
  for (const double v : x) sum += (v - m) * (v - m);
  return sum / static_cast<double>(x.size() - 1);
}

int sign_of(double x) {
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}

double mean_log_ratio(Times a, Times b) {
  return std::log(mean(b) / mean(a));
}

/// t of Welch's test, b against a.
double welch_t(Times a, Times b) {
  const double error =
      variance(a) / static_cast<double>(a.size()) + variance(b) / static_cast<double>(b.size());
  return error > 0 ? (mean(b) - mean(a)) / std::sqrt(error) : 0;
}

class Resampler {
 public:
  explicit Resampler(std::uint64_t seed) : random_(seed) {}
  void draw(Times from, std::vector<double>& into) {
    for (double& v : into) v = from[random_() % from.size()];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

std::vector<double> stretch_means(Times times, std::size_t parts) {
  const std::size_t length = times.size() / parts;
  if (length == 0) return {times.begin(), times.end()};
  std::vector<double> means;
  for (std::size_t i = 0; i < parts; ++i) means.push_back(mean(times.subspan(i * length, length)));
  return means;
}

Opinion hyperfine_summary(Times a, Times b) {
  const double ma = mean(a), mb = mean(b);
  const double ratio = std::max(ma, mb) / std::min(ma, mb);
  const double sd = ratio * std::sqrt(variance(a) / (ma * ma) + variance(b) / (mb * mb));
  return {.sign = ratio - sd > 1 ? sign_of(mb - ma) : 0,
          .estimate_log = mean_log_ratio(a, b),
          .half_width_log = sd / ratio};
}

Opinion hyperfine_welch(Times a, Times b) {
  const double ea = variance(a) / static_cast<double>(a.size()),
               eb = variance(b) / static_cast<double>(b.size());
  const double df =
      (ea + eb) * (ea + eb) /
      (ea * ea / static_cast<double>(a.size() - 1) + eb * eb / static_cast<double>(b.size() - 1));
  const double t = welch_t(a, b);
  const double p = stats::student_t_two_sided(std::abs(t), df);
  return {.sign = p < 0.05 ? sign_of(t) : 0,
          .estimate_log = mean_log_ratio(a, b),
          .half_width_log = stats::student_t_quantile(0.975, df) * std::sqrt(ea + eb) / mean(a)};
}

double mann_whitney_p(Times a, Times b) {
  struct Value {
    double time;
    bool of_a;
  };
  std::vector<Value> all;
  for (const double t : a) all.push_back({t, true});
  for (const double t : b) all.push_back({t, false});
  std::sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.time < y.time; });
  double rank_sum_a = 0, ties = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i;
    while (end < all.size() && all[end].time == all[i].time) ++end;
    const auto count = static_cast<double>(end - i);
    const double rank = static_cast<double>(i) + (count + 1) / 2;  // ranks from 1, ties averaged
    ties += count * count * count - count;
    for (; i < end; ++i) rank_sum_a += all[i].of_a ? rank : 0;
  }
  const auto na = static_cast<double>(a.size()), nb = static_cast<double>(b.size());
  const double n = na + nb, u = rank_sum_a - na * (na + 1) / 2, centre = na * nb / 2;
  const double sd = std::sqrt(na * nb / 12 * (n + 1 - ties / (n * (n - 1))));
  if (sd == 0) return 1;
  const double z = (std::abs(u - centre) - 0.5) / sd;
  if (z <= 0) return 1;
  return stats::student_t_two_sided(z, std::numeric_limits<double>::infinity());
}

Opinion google_benchmark(Times a, Times b, std::size_t repetitions) {
  const auto ra = stretch_means(a, repetitions), rb = stretch_means(b, repetitions);
  const double estimate = mean_log_ratio(ra, rb);
  return {.sign = mann_whitney_p(ra, rb) < 0.05 ? sign_of(estimate) : 0,
          .estimate_log = estimate,
          .half_width_log = {}};
}

Opinion criterion(Times all_a, Times all_b, int resamples, std::uint64_t seed) {
  constexpr std::size_t kSamples = 100;
  constexpr double kNoise = 0.01;
  const auto a = stretch_means(all_a, kSamples), b = stretch_means(all_b, kSamples);
  std::vector<double> pooled = a;
  pooled.insert(pooled.end(), b.begin(), b.end());
  std::vector<double> xa(a.size()), xb(b.size());
  Resampler random(seed);

  const double t = welch_t(a, b);
  int above = 0, below = 0;
  std::vector<double> changes;
  for (int i = 0; i < resamples; ++i) {
    random.draw(pooled, xa);
    random.draw(pooled, xb);
    const double resampled = welch_t(xa, xb);
    above += resampled > t ? 1 : 0;
    below += resampled < t ? 1 : 0;
    random.draw(a, xa);
    random.draw(b, xb);
    changes.push_back(mean(xb) / mean(xa) - 1);
  }
  const double p = 2.0 * std::min(above, below) / resamples;
  const double low = stats::quantile(changes, 0.025).value_or(0),
               high = stats::quantile(changes, 0.975).value_or(0);
  int sign = 0;
  if (p < 0.05) sign = low > kNoise ? 1 : high < -kNoise ? -1 : 0;
  return {.sign = sign,
          .estimate_log = mean_log_ratio(a, b),
          .half_width_log = (std::log1p(high) - std::log1p(low)) / 2};
}

Opinion nvbench(Times a, Times b) {
  const double difference = (mean(b) - mean(a)) / mean(a);
  const double noise_a = std::sqrt(variance(a)) / mean(a),
               noise_b = std::sqrt(variance(b)) / mean(b);
  return {.sign = std::abs(difference) > std::min(noise_a, noise_b) ? sign_of(difference) : 0,
          .estimate_log = mean_log_ratio(a, b),
          .half_width_log = std::min(noise_a, noise_b)};
}

std::vector<Rule> other_tools() {
  return {
      {"hyperfine, ratio ± 1 sd", "sharkdp/hyperfine src/benchmark/relative_speed.rs",
       hyperfine_summary},
      {"hyperfine, welch_ttest.py", "sharkdp/hyperfine scripts/welch_ttest.py", hyperfine_welch},
      {"Google Benchmark, compare.py", "google/benchmark docs/tools.md, U test",
       [](Times a, Times b) { return google_benchmark(a, b); }},
      {"criterion.rs", "bheisler/criterion.rs book/src/analysis.md",
       [](Times a, Times b) { return criterion(a, b); }},
      {"nvbench, nvbench_compare.py", "NVIDIA/nvbench scripts/nvbench_compare.py", nvbench},
  };
}

}  // namespace mlbench::calibration
