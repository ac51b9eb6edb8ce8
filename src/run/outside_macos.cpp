#include "run/outside.hpp"

#include <mach/mach_time.h>

namespace mlbench::run {

std::optional<double> suspended_s() {
  mach_timebase_info_data_t base{};
  if (mach_timebase_info(&base) != KERN_SUCCESS || base.denom == 0) return std::nullopt;
  const auto ticks = static_cast<double>(mach_continuous_time()) -
                     static_cast<double>(mach_absolute_time());  // the latter stands still asleep
  return ticks * base.numer / base.denom * 1e-9;
}

}  // namespace mlbench::run
