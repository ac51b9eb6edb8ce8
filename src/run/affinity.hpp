#pragma once

#include <sys/types.h>

#include <vector>

/// On which CPUs a process computes.
namespace mlbench::run {

/// CPUs that this process may run on, ascending; empty where the system does not place threads.
[[nodiscard]] std::vector<int> usable_cpus();

/// Lets all threads of `pid`, and those that they start, run on `cpus` only. Where the process is
/// gone or the system refuses, nothing changes.
void place_process(pid_t pid, const std::vector<int>& cpus);

}  // namespace mlbench::run
