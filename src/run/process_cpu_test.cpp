#include "run/process_cpu.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

using namespace mlbench::run;

namespace {

/// A child that burns CPU time, or sleeps; killed and reaped at the end.
class Child {
 public:
  explicit Child(bool burns) : pid_(::fork()) {
    if (pid_ != 0) return;
    volatile unsigned long turns = 0;
    for (;;) {
      if (burns) {
        turns = turns + 1;
      } else {
        ::pause();
      }
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { end(); }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// Until `child` has used some CPU time, which takes as long as it takes on a busy machine.
void wait_for_use(const Child& child, double least_s) {
  while (process_cpu_s(child.pid()).value_or(least_s) < least_s)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

}  // namespace

TEST_CASE("the CPU time of another process grows while it works, and not while it waits") {
  const Child busy(true), idle(false);
  const std::array pids = {busy.pid(), idle.pid()};
  const CpuUse both(pids), waiting(pids, busy.pid());
  wait_for_use(busy, process_cpu_s(busy.pid()).value_or(0) + 0.02);
  REQUIRE(both.used_s());
  REQUIRE(waiting.used_s());
  CHECK(*both.used_s() >= 0.02);
  CHECK(*waiting.used_s() < *both.used_s() / 4);
}

TEST_CASE("a process that is gone has no CPU time") {
  Child child(false);
  const pid_t pid = child.pid();
  const std::array pids = {pid};
  const CpuUse use(pids);
  child.end();
  CHECK_FALSE(process_cpu_s(pid));
  CHECK_FALSE(use.used_s());
  CHECK_FALSE(CpuUse(std::span<const pid_t>{}).used_s());
}
