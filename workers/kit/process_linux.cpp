#include "kit/counters.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

namespace mlbench::kit {

void prepare_process() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
}

std::optional<std::int64_t> current_cpu() {
  const int cpu = sched_getcpu();
  if (cpu < 0) return std::nullopt;
  return cpu;
}

}  // namespace mlbench::kit
