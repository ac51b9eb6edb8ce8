#include "kit/counters.hpp"

#include <sys/resource.h>
#include <time.h>

#include <chrono>

namespace mlbench::kit {
namespace {

double seconds(clockid_t clock) {
  timespec t{};
  if (clock_gettime(clock, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace

std::int64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

Counters read_counters() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.process_cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID),
          .thread_cpu_s = seconds(CLOCK_THREAD_CPUTIME_ID),
          .involuntary_switches = usage.ru_nivcsw,
          .minor_faults = usage.ru_minflt};
}

double spin_s() {
  constexpr int kSteps = 120000;
  const std::int64_t start = steady_ns();
  std::uint32_t x = 2463534242U;
  for (int i = 0; i < kSteps; ++i) {  // Marsaglia's xorshift: each step needs the one before
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
  }
  volatile std::uint32_t keep = x;
  static_cast<void>(keep);
  return static_cast<double>(steady_ns() - start) * 1e-9;
}

}  // namespace mlbench::kit
