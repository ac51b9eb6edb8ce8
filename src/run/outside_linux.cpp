#include "run/outside.hpp"

#include <time.h>

namespace mlbench::run {

std::optional<double> suspended_s() {
  const auto seconds = [](clockid_t clock) -> std::optional<double> {
    timespec t{};
    if (clock_gettime(clock, &t) != 0) return std::nullopt;
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  const auto awake = seconds(CLOCK_MONOTONIC), all = seconds(CLOCK_BOOTTIME);
  if (!awake || !all) return std::nullopt;
  return *all - *awake;
}

}  // namespace mlbench::run
