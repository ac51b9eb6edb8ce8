#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mlbench::native {

/// The loops of the memory workload over `n` float32 elements, for one instruction set and one
/// kind of store. Arrays of one call do not overlap; `n` and the alignment are free, but only
/// 64-byte aligned arrays run at full speed.
struct StreamLoops {
  std::string name;                                       ///< "AVX-512, non-temporal stores".
  bool non_temporal = false;                              ///< Whether stores leave out the caches.
  void (*copy)(const float* x, float* y, std::size_t n);  ///< y = -x
  double (*sum)(const float* x, std::size_t n);           ///< sum of x
  void (*write)(float* y, std::size_t n);                 ///< y = 0.75
  void (*triad)(const float* a, const float* b, float* y, std::size_t n);  ///< y = a + 3·b
  void (*scale)(const float* x, float* y, std::size_t n);                  ///< y = 3·x
  void (*add)(const float* a, const float* b, float* y, std::size_t n);    ///< y = a + b
};

/// All that this CPU can run; the portable one is first, the widest vectors are last.
[[nodiscard]] std::vector<StreamLoops> stream_loops();

/// Those worth a trial: of the widest vectors, with and without non-temporal stores.
[[nodiscard]] std::vector<StreamLoops> widest_stream_loops();

/// Adds those of one architecture that this CPU has; empty on others.
void add_x86_stream_loops(std::vector<StreamLoops>& loops);
void add_arm64_stream_loops(std::vector<StreamLoops>& loops);

/// Elements that sum() adds in float32 lanes before it goes on in float64.
inline constexpr std::size_t kSumBlock = 4096;

}  // namespace mlbench::native
