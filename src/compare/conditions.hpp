#pragma once

#include "stats/paired.hpp"
#include "store/run_data.hpp"

#include <optional>
#include <string>
#include <vector>

/// In what state the machine was while a case was measured: what stands beside a number, and flags
/// where it should be read with care. Nothing is removed for any of it: a program that heats the
/// machine is slower. All rules treat the subjects alike and look at no time that is compared.
namespace mlbench::compare {

/// The whole case, all subjects together, over its finished rounds. Empty: not known.
struct CaseConditions {
  /// Medians over rounds, as shares of the CPU time of all cores: of programs that are not ours,
  /// and of what the hypervisor gave to somebody else.
  std::optional<double> other_fraction, steal_fraction;
  std::optional<double> cpu_pressure_fraction;     ///< Median share of time in which a task waited.
  std::optional<double> memory_pressure_fraction;  ///< Largest.
  std::optional<std::int64_t> swapped_in_bytes, cpu_throttle_count;  ///< Sums.
  std::optional<double> load_1m;                                     ///< Median.
  std::optional<double> cpu_clock_hz, gpu_clock_hz, gpu_power_w;     ///< Medians.
  std::optional<double> cpu_temperature_c, gpu_temperature_c;        ///< Largest.
  std::optional<std::string> thermal_state;                          ///< The worst of macOS's.
  std::optional<std::string> power_source;     ///< "battery" where it was so in any round.
  std::optional<bool> low_power_mode;          ///< True where it was so in any round.
  std::vector<std::string> gpu_clock_reasons;  ///< All that were seen.
};
[[nodiscard]] CaseConditions conditions_of(const store::RunData& run, const store::CaseRecord& c);

/// The whole run: what it was measured under, from its first round to its last.
struct RunConditions {
  /// Means over the rounds. The load is the run's own too.
  std::optional<double> other_fraction, load_1m;
  std::optional<double> load_began_1m;  ///< When the run began.
  /// "battery", "heavy", "yes"; the worst, with "part of the time" where it changed. Of when the
  /// run began where its journal has nothing more.
  std::string power_source, thermal_state, low_power_mode;
};
[[nodiscard]] RunConditions conditions_of(const store::RunData& run);

/// One subject of a case, over its blocks.
struct CellConditions {
  /// Involuntary switches per second of its blocks: how often the system took the CPU away.
  std::optional<double> switches_per_s;
  /// CPU time of the processes that were to wait / time of the blocks: 0 when they were silent,
  /// 1 when one thread of one was busy all the time.
  std::optional<double> waiters_fraction;
  /// Median seconds of a fixed chain of arithmetic before each block, and the last third of the run
  /// against the first: 0.05 is 5 % slower. Shows a clock that no counter shows.
  std::optional<double> spin_s, spin_change;
  /// The same on the subject's GPU, after each block.
  std::optional<double> device_spin_s, device_spin_change;
  /// The GPU right after its blocks, as the driver tells: medians.
  std::optional<double> gpu_clock_hz, gpu_power_w;
};
[[nodiscard]] CellConditions conditions_of(const store::Cell& cell);

/// What the clocks did to one pair: seconds of the fixed arithmetic beside blocks of b / beside
/// those of a, over process pairs as the ratio itself. The ratio divided by this one is the ratio
/// in cycles, at the same clock. On GPUs the arithmetic is that of the device, and where it is
/// missing the driver's clock takes its place (a / b). nullopt with fewer than 6 process pairs.
[[nodiscard]] std::optional<stats::RatioInterval> clock_ratio_of(const store::RunData& run,
                                                                 const store::CaseRecord& c,
                                                                 const store::PairRecord& pair);
/// Whether the clocks of the two sides differed by more than noise and more than 1 %.
[[nodiscard]] bool clock_differs(const std::optional<stats::RatioInterval>& clock_ratio);

/// Headings of docs/warnings.md that the conditions call for: "other_load", "throttled",
/// "swapping", "battery", "low_power_mode" for the case; "clock_changed", "busy_waiters" for the
/// subject.
[[nodiscard]] std::vector<std::string> flags_of(const CaseConditions& conditions);
[[nodiscard]] std::vector<std::string> flags_of(const CellConditions& conditions);

}  // namespace mlbench::compare
