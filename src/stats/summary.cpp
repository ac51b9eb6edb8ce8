#include "stats/summary.hpp"

#include "stats/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mlbench::stats {

std::optional<double> process_time(Blocks blocks) {
  const auto times = block_times(blocks);
  if (!times) return std::nullopt;
  return median(*times);
}

std::optional<TimeSummary> time_summary(std::span<const double> process_times_s,
                                        double confidence) {
  constexpr std::size_t kMinProcesses = 3;
  std::vector<double> logs;
  for (const double t : process_times_s) {
    if (!std::isfinite(t) || t <= 0) return std::nullopt;
    logs.push_back(std::log(t));
  }
  const auto middle = median(process_times_s);
  if (!middle) return std::nullopt;
  TimeSummary summary{.median_s = *middle,
                      .low_s = std::nullopt,
                      .high_s = std::nullopt,
                      .processes = static_cast<int>(logs.size())};
  if (logs.size() < kMinProcesses) return summary;
  if (const auto interval = ratio_interval(logs, confidence)) {
    summary.low_s = std::min(interval->low, *middle);
    summary.high_s = std::max(interval->high, *middle);
  }
  return summary;
}

}  // namespace mlbench::stats
