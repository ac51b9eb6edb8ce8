#include "run/process_cpu.hpp"

#include <libproc.h>
#include <mach/mach_time.h>
#include <sys/resource.h>

namespace mlbench::run {

std::optional<double> process_cpu_s(pid_t pid) {
  // rusage_info counts ticks of mach_absolute_time(): nanoseconds on Intel, 125/3 on Apple silicon.
  static const double tick_s = [] {
    mach_timebase_info_data_t base{};
    if (mach_timebase_info(&base) != KERN_SUCCESS || base.denom == 0) return 0.0;
    return static_cast<double>(base.numer) / static_cast<double>(base.denom) * 1e-9;
  }();
  rusage_info_v2 info{};
  auto* buffer = reinterpret_cast<rusage_info_t*>(&info);
  if (tick_s <= 0 || proc_pid_rusage(pid, RUSAGE_INFO_V2, buffer) != 0) return std::nullopt;
  return static_cast<double>(info.ri_user_time + info.ri_system_time) * tick_s;
}

}  // namespace mlbench::run
