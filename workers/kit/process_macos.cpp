#include "kit/counters.hpp"

#include <pthread.h>
#include <pthread/qos.h>
#include <signal.h>

namespace mlbench::kit {

void prepare_process() {
  // There is no parent-death signal; a worker ends when its standard input does.
  signal(SIGPIPE, SIG_IGN);
  pthread_set_qos_class_self_np(QOS_CLASS_USER_INTERACTIVE, 0);
}

std::optional<std::int64_t> current_cpu() {
  return std::nullopt;
}

}  // namespace mlbench::kit
