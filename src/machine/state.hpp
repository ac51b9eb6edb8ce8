#pragma once

#include "core/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlbench::machine {

/// Time during which tasks waited for one resource (Linux pressure stall information).
/// Source: Linux Documentation/accounting/psi.rst.
struct Pressure {
  std::optional<double> some_fraction_10s;  ///< Share of the last 10 s, 0 to 1.
  std::optional<double> some_total_s;       ///< Since boot; compare two samples.
};

/// One GPU at one moment, as its driver tells.
struct GpuState {
  std::optional<std::string> name;
  std::optional<double> sm_clock_hz, memory_clock_hz;
  std::optional<double> temperature_c;
  std::optional<double> power_w;
  std::optional<std::int64_t> memory_used_bytes;  ///< Of all processes.
  /// Why the clock is not higher: "gpu_idle", "sw_power_cap", "hw_thermal_slowdown", ... Unknown is
  /// nullopt; nothing holding it back is an empty list.
  std::optional<std::vector<std::string>> clock_reasons;
};

/// What the machine was doing at one moment. Every field is nullopt where this system does not tell
/// it. Counters run since boot: only their difference between two samples means something.
struct MachineState {
  std::optional<double> time_s;  ///< Steady clock.

  /// Fastest of the CPU clocks that could be read (idle cores show a low one).
  std::optional<double> cpu_clock_hz;
  std::optional<double> cpu_temperature_c;  ///< Hottest CPU sensor.
  std::optional<std::int64_t> cpu_throttle_count;

  std::optional<double> load_1m, load_5m, load_15m;
  std::optional<std::int64_t> runnable_tasks;
  std::optional<Pressure> cpu_pressure, memory_pressure, io_pressure;

  /// CPU time of all cores together: all kinds, all but idle and I/O wait, and time that the
  /// hypervisor gave to somebody else (part of total and busy).
  std::optional<double> cpu_total_s, cpu_busy_s, cpu_steal_s;

  std::optional<std::int64_t> memory_available_bytes;
  std::optional<std::int64_t> swap_used_bytes;
  std::optional<std::int64_t> swapped_in_bytes, swapped_out_bytes;  ///< Counters.
  std::optional<std::int64_t> oom_kills;                            ///< Counter.
  std::optional<std::string> memory_pressure_level;  ///< macOS: "normal", "warn", "critical".

  /// macOS: "nominal", "moderate", "heavy", "trapping", "sleeping".
  std::optional<std::string> thermal_state;
  std::optional<std::string> power_source;  ///< "ac" or "battery".
  std::optional<double> battery_fraction;   ///< 0 to 1.
  std::optional<bool> low_power_mode;

  std::vector<GpuState> gpus;
};

/// Reads the state of this machine; takes well under a millisecond where there is no GPU. Never
/// fails. The first call may take longer, because it opens the GPU driver's library.
[[nodiscard]] MachineState sample_state();

/// The GPUs of that alone, as NVIDIA's driver tells them: a tenth of a millisecond or so each.
[[nodiscard]] std::vector<GpuState> gpu_states();

/// All fields, null where unknown; fields of a state that a newer version wrote are ignored.
[[nodiscard]] Json to_json(const MachineState& state);
[[nodiscard]] MachineState state_from_json(const Json& json);

/// What happened between two samples; nullopt where either sample lacks it or the clock stood still
/// or went back.
struct StateChange {
  std::optional<double> elapsed_s;
  /// Shares of the CPU time of all cores, 0 to 1. `other_fraction` is busy time that is neither
  /// stolen nor this program's own.
  std::optional<double> busy_fraction, steal_fraction, other_fraction;
  /// Shares of the elapsed time in which some task waited, 0 to 1.
  std::optional<double> cpu_pressure_fraction, memory_pressure_fraction;
  std::optional<std::int64_t> swapped_in_bytes, swapped_out_bytes;
  std::optional<std::int64_t> oom_kills, cpu_throttle_count;
};

/// `own_cpu_s` is the CPU time that the caller's own processes used in between; without it
/// `other_fraction` is nullopt.
[[nodiscard]] StateChange change_between(const MachineState& before, const MachineState& after,
                                         std::optional<double> own_cpu_s = std::nullopt);
[[nodiscard]] Json to_json(const StateChange& change);

}  // namespace mlbench::machine
