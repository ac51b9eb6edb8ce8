#include "run/affinity.hpp"

namespace mlbench::run {

// macOS lets no program choose a core; its scheduler does.
std::vector<int> usable_cpus() {
  return {};
}

void place_process(pid_t pid, const std::vector<int>& cpus) {
  static_cast<void>(pid), static_cast<void>(cpus);
}

}  // namespace mlbench::run
