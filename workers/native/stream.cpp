#include "native/stream.hpp"

#include "workload/memory.hpp"

#include <algorithm>
#include <array>

namespace mlbench::native {
namespace {

using workload::Memory;

void copy(const float* __restrict x, float* __restrict y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = -x[i];
}

double sum(const float* x, std::size_t n) {
  constexpr std::size_t kLanes = 32;
  double total = 0;
  for (std::size_t first = 0; first < n; first += kSumBlock) {
    const std::size_t last = std::min(n, first + kSumBlock);
    std::array<float, kLanes> lanes{};
    std::size_t i = first;
    for (; i + kLanes <= last; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane];
    }
    for (; i < last; ++i) lanes[(i - first) % kLanes] += x[i];
    for (const float lane : lanes) total += double{lane};
  }
  return total;
}

void write(float* y, std::size_t n) {
  std::fill_n(y, n, Memory::kWriteValue);
}

void triad(const float* __restrict a, const float* __restrict b, float* __restrict y,
           std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = a[i] + Memory::kTriadScale * b[i];
}

void scale(const float* __restrict x, float* __restrict y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = Memory::kTriadScale * x[i];
}

void add(const float* __restrict a, const float* __restrict b, float* __restrict y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

}  // namespace

std::vector<StreamLoops> stream_loops() {
  std::vector<StreamLoops> loops = {{.name = "portable loops",
                                     .non_temporal = false,
                                     .copy = copy,
                                     .sum = sum,
                                     .write = write,
                                     .triad = triad,
                                     .scale = scale,
                                     .add = add}};
  add_x86_stream_loops(loops);
  add_arm64_stream_loops(loops);
  return loops;
}

std::vector<StreamLoops> widest_stream_loops() {
  auto loops = stream_loops();
  // Architectures add a pair for each width.
  if (loops.size() > 2) loops.erase(loops.begin(), loops.end() - 2);
  return loops;
}

}  // namespace mlbench::native
