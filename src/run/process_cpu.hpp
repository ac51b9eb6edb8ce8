#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <vector>

namespace mlbench::run {

/// Seconds of CPU time that all threads of process `pid` have used so far, to well under a
/// millisecond; nullopt where the process is gone or the system does not tell.
[[nodiscard]] std::optional<double> process_cpu_s(pid_t pid);

/// What several processes used between two moments. A process that ended in between counts for
/// nothing: what it used is not known.
class CpuUse {
 public:
  /// Begins now. `except` is left out (-1: none).
  explicit CpuUse(std::span<const pid_t> pids, pid_t except = -1);

  /// Seconds until now; nullopt where there is no process to ask about.
  [[nodiscard]] std::optional<double> used_s() const;

 private:
  struct Start {
    pid_t pid;
    double cpu_s;
  };
  std::vector<Start> starts_;
};

}  // namespace mlbench::run
