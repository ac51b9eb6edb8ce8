#include "run/process_cpu.hpp"

namespace mlbench::run {

CpuUse::CpuUse(std::span<const pid_t> pids, pid_t except) {
  for (const pid_t pid : pids) {
    if (pid == except) continue;
    if (const auto cpu_s = process_cpu_s(pid)) starts_.push_back({.pid = pid, .cpu_s = *cpu_s});
  }
}

std::optional<double> CpuUse::used_s() const {
  std::optional<double> total_s;
  for (const Start& start : starts_) {
    if (const auto now_s = process_cpu_s(start.pid))
      total_s = total_s.value_or(0) + *now_s - start.cpu_s;
  }
  return total_s;
}

}  // namespace mlbench::run
