#pragma once

#include "stats/paired.hpp"

#include <optional>
#include <span>

namespace mlbench::stats {

/// Seconds per call of one case on one subject.
struct TimeSummary {
  double median_s = 0;  ///< Median over processes of the process's own median.
  /// Where a further process's typical time plausibly centres; empty with fewer than 3 processes.
  std::optional<double> low_s, high_s;
  int processes = 0;
};

/// Time of one process: the median over its blocks of the block medians. nullopt as block_times().
[[nodiscard]] std::optional<double> process_time(Blocks blocks);

/// Summary over processes, each given by its process_time(). The interval is Student's t over the
/// logs of these, widened where needed to hold the median (skewed times can put the median outside
/// an interval that is centred on the geometric mean).
///
/// nullopt when there is no process or a time is not finite and positive.
[[nodiscard]] std::optional<TimeSummary> time_summary(std::span<const double> process_times_s,
                                                      double confidence = 0.95);

}  // namespace mlbench::stats
