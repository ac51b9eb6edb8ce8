#pragma once

#include <optional>
#include <string>
#include <vector>

/// Events from outside all programs that are measured. They spoil the time of a block whatever it
/// computes, and are known without looking at that time: so what they hit may be left out.
namespace mlbench::run {

/// Seconds that the machine has been asleep since it started; nullopt where that is not told.
[[nodiscard]] std::optional<double> suspended_s();

/// Watches one block; begins when it is made.
class OutsideWatch {
 public:
  OutsideWatch() : before_s_(suspended_s()) {}

  /// What happened until now: "suspended" (the machine slept), "paused" (this program itself did
  /// not run for half a second, `longest_pause_s`, as when a virtual machine is stopped),
  /// "gpu_power_brake" (by `gpu_clock_reasons` the GPU's board was told from outside to slow down).
  [[nodiscard]] std::vector<std::string> events(
      double longest_pause_s, const std::vector<std::string>& gpu_clock_reasons) const;

 private:
  std::optional<double> before_s_;
};

}  // namespace mlbench::run
