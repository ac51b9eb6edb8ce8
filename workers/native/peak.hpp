#pragma once

#include "workload/dtype.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mlbench::native {

/// A loop of multiply-adds on registers alone: what a core can compute at most, with nothing to
/// load. Enough independent sums are kept to hide the latency of an instruction.
struct PeakLoop {
  std::string name;  ///< "FMA loop, AVX-512".
  workload::DType dtype = workload::DType::float32;
  double flop_per_step = 0;  ///< A multiply-add counts 2.
  /// Runs `steps` steps on the calling thread; the result keeps the work from being left out.
  float (*run)(std::int64_t steps) = nullptr;
};

/// All that this CPU can run; several of one dtype where it has several instructions for it.
[[nodiscard]] std::vector<PeakLoop> peak_loops();

/// Adds those of one architecture that this CPU has; empty on others.
void add_x86_peak_loops(std::vector<PeakLoop>& loops);
void add_arm64_peak_loops(std::vector<PeakLoop>& loops);

}  // namespace mlbench::native
