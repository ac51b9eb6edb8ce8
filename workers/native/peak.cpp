#include "native/peak.hpp"

namespace mlbench::native {

std::vector<PeakLoop> peak_loops() {
  std::vector<PeakLoop> loops;
  add_x86_peak_loops(loops);
  add_arm64_peak_loops(loops);
  return loops;
}

}  // namespace mlbench::native
