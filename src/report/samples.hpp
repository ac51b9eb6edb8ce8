#pragma once

#include "store/run_data.hpp"

#include <string>
#include <vector>

/// A case's samples condensed for drawing: what shows how noisy a number is.
namespace mlbench::report {

/// One block. Times are shares of the median over all blocks of its cell, so that subjects compare.
struct BlockPoint {
  int round = 0;
  double at_s = 0;                       ///< Since the run's first block.
  double median = 1, low = 1, high = 1;  ///< Median and quartiles of its samples.
};

/// One bar of a histogram over all samples of a cell, from `low` to `high` shares of its median.
struct Bin {
  double low = 1, high = 1, share = 0;
};

struct CellSamples {
  std::string subject;
  double median_s = 0;  ///< Over block medians.
  std::size_t samples = 0, blocks = 0;
  std::vector<BlockPoint> points;  ///< In order of time.
  std::vector<Bin> bins;  ///< The same edges for all subjects of a case; empty bins left out.
};

struct CaseSamples {
  std::string case_id;
  std::vector<CellSamples> cells;
};

/// Of all cases with blocks. A run with more than `most_points` blocks gets one point a round in
/// place of one a block.
[[nodiscard]] std::vector<CaseSamples> samples_of(const store::RunData& run,
                                                  std::size_t most_points = 8000);

}  // namespace mlbench::report
