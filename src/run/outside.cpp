#include "run/outside.hpp"

#include <algorithm>

namespace mlbench::run {
namespace {

/// The two clocks are not read at one moment.
constexpr double kAsleep_s = 0.01;
/// A program that waits is run within milliseconds of its time even on a machine at load.
constexpr double kPaused_s = 0.5;

}  // namespace

std::vector<std::string> OutsideWatch::events(
    double longest_pause_s, const std::vector<std::string>& gpu_clock_reasons) const {
  std::vector<std::string> found;
  const auto now_s = suspended_s();
  if (before_s_ && now_s && *now_s - *before_s_ > kAsleep_s) found.emplace_back("suspended");
  if (longest_pause_s > kPaused_s) found.emplace_back("paused");
  if (std::find(gpu_clock_reasons.begin(), gpu_clock_reasons.end(), "hw_power_brake_slowdown") !=
      gpu_clock_reasons.end())
    found.emplace_back("gpu_power_brake");
  return found;
}

}  // namespace mlbench::run
