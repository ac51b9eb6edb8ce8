#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <filesystem>
#include <ostream>

namespace mlbench::calibration {

struct RecordOptions {
  std::filesystem::path worker;  ///< mlbench-worker-torch.
  std::filesystem::path output;  ///< JSON lines; must not exist.
  int units = 32;                ///< Sittings: one sequential set and `rounds` interleaved rounds.
  int rounds = 3;
  double sequential_s = 2.5;  ///< Measuring time of a work in a sequential process.
  std::uint64_t seed = 1;     ///< Of the order of everything.
};

/// Runs the processes and writes their samples. Takes about 48 s a unit on two busy cores. Errors:
/// `io`, or the worker's failure.
[[nodiscard]] Status record(const RecordOptions& options, std::ostream& progress);

}  // namespace mlbench::calibration
