#pragma once

#include "core/error.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// Real samples of worker processes, recorded once, to which every rule is applied afterwards.
namespace mlbench::calibration {

/// What is timed: one matrix product a sample, on one thread.
struct Work {
  std::string name;  ///< "1ms", "20ms".
  int m = 0, n = 0;
  std::map<std::string, int>
      k;  ///< By kind of side: "a" (the program), "b3" and "b5" (3, 5 % more).
};
[[nodiscard]] const std::vector<Work>& works();

/// Sides of a comparison: two of the same program, and two with really more work. The letter and
/// digit before the dash name the kind ("a-1" and "a-2" are both "a").
inline const std::vector<std::string> kSides = {"a-1", "a-2", "b3", "b5"};
[[nodiscard]] std::string kind_of(const std::string& side);

/// One process's samples of one work, in seconds.
struct Series {
  std::string work, side;
  int unit = 0;  ///< Sequential: the sitting; interleaved: the round. Sides of one unit compare.
  double start_s = 0;                         ///< From starting the process to its greeting.
  double warm_s = 0;                          ///< Building the inputs and warming up.
  double measure_s = 0;                       ///< Wall time of all blocks.
  std::vector<std::vector<double>> blocks_s;  ///< The first of each block is the lead-in.
};

/// Sequential: each process measured to its end before the next starts. Interleaved: all alive,
/// blocks in random order and its reverse.
struct Recording {
  std::vector<Series> sequential, interleaved;
};

/// Errors: `io` with file and line.
[[nodiscard]] Result<Recording> load(const std::filesystem::path& path);

}  // namespace mlbench::calibration
