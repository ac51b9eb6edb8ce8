#include "machine/state.hpp"

#include "machine/fields.hpp"

#include <algorithm>

namespace mlbench::machine {
// Found by the templates of fields.hpp through the namespace of the types.
template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, Pressure>
void each_field(Self& s, F&& f) {
  f("some_fraction_10s", s.some_fraction_10s);
  f("some_total_s", s.some_total_s);
}

template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, GpuState>
void each_field(Self& s, F&& f) {
  f("name", s.name);
  f("sm_clock_hz", s.sm_clock_hz);
  f("memory_clock_hz", s.memory_clock_hz);
  f("temperature_c", s.temperature_c);
  f("power_w", s.power_w);
  f("memory_used_bytes", s.memory_used_bytes);
  f("clock_reasons", s.clock_reasons);
}

template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, MachineState>
void each_field(Self& s, F&& f) {
  f("time_s", s.time_s);
  f("cpu_clock_hz", s.cpu_clock_hz);
  f("cpu_temperature_c", s.cpu_temperature_c);
  f("cpu_throttle_count", s.cpu_throttle_count);
  f("load_1m", s.load_1m);
  f("load_5m", s.load_5m);
  f("load_15m", s.load_15m);
  f("runnable_tasks", s.runnable_tasks);
  f("cpu_pressure", s.cpu_pressure);
  f("memory_pressure", s.memory_pressure);
  f("io_pressure", s.io_pressure);
  f("cpu_total_s", s.cpu_total_s);
  f("cpu_busy_s", s.cpu_busy_s);
  f("cpu_steal_s", s.cpu_steal_s);
  f("memory_available_bytes", s.memory_available_bytes);
  f("swap_used_bytes", s.swap_used_bytes);
  f("swapped_in_bytes", s.swapped_in_bytes);
  f("swapped_out_bytes", s.swapped_out_bytes);
  f("oom_kills", s.oom_kills);
  f("memory_pressure_level", s.memory_pressure_level);
  f("thermal_state", s.thermal_state);
  f("power_source", s.power_source);
  f("battery_fraction", s.battery_fraction);
  f("low_power_mode", s.low_power_mode);
  f("gpus", s.gpus);
}

template <class Self, class F>
requires std::same_as<std::remove_const_t<Self>, StateChange>
void each_field(Self& s, F&& f) {
  f("elapsed_s", s.elapsed_s);
  f("busy_fraction", s.busy_fraction);
  f("steal_fraction", s.steal_fraction);
  f("other_fraction", s.other_fraction);
  f("cpu_pressure_fraction", s.cpu_pressure_fraction);
  f("memory_pressure_fraction", s.memory_pressure_fraction);
  f("swapped_in_bytes", s.swapped_in_bytes);
  f("swapped_out_bytes", s.swapped_out_bytes);
  f("oom_kills", s.oom_kills);
  f("cpu_throttle_count", s.cpu_throttle_count);
}

Json to_json(const MachineState& state) {
  return detail::write_fields(state);
}

MachineState state_from_json(const Json& json) {
  MachineState state;
  detail::read_fields(json, state);
  return state;
}

Json to_json(const StateChange& change) {
  return detail::write_fields(change);
}

namespace {

/// Growth of a counter; nullopt when a sample lacks it or it went back (a reset, a suspend).
template <class T>
std::optional<T> growth(const std::optional<T>& before, const std::optional<T>& after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

/// part / whole, kept within 0 and 1: the counters tick at different moments.
std::optional<double> share(std::optional<double> part, std::optional<double> whole) {
  if (!part || !whole || !(*whole > 0)) return std::nullopt;
  return std::clamp(*part / *whole, 0.0, 1.0);
}

std::optional<double> waiting_s(const std::optional<Pressure>& before,
                                const std::optional<Pressure>& after) {
  if (!before || !after) return std::nullopt;
  return growth(before->some_total_s, after->some_total_s);
}

}  // namespace

StateChange change_between(const MachineState& before, const MachineState& after,
                           std::optional<double> own_cpu_s) {
  StateChange change;
  change.elapsed_s = growth(before.time_s, after.time_s);
  const auto total_s = growth(before.cpu_total_s, after.cpu_total_s);
  const auto busy_s = growth(before.cpu_busy_s, after.cpu_busy_s);
  const auto steal_s = growth(before.cpu_steal_s, after.cpu_steal_s);
  change.busy_fraction = share(busy_s, total_s);
  change.steal_fraction = share(steal_s, total_s);
  if (busy_s && own_cpu_s) {
    change.other_fraction = share(*busy_s - steal_s.value_or(0) - *own_cpu_s, total_s);
  }
  change.cpu_pressure_fraction =
      share(waiting_s(before.cpu_pressure, after.cpu_pressure), change.elapsed_s);
  change.memory_pressure_fraction =
      share(waiting_s(before.memory_pressure, after.memory_pressure), change.elapsed_s);
  change.swapped_in_bytes = growth(before.swapped_in_bytes, after.swapped_in_bytes);
  change.swapped_out_bytes = growth(before.swapped_out_bytes, after.swapped_out_bytes);
  change.oom_kills = growth(before.oom_kills, after.oom_kills);
  change.cpu_throttle_count = growth(before.cpu_throttle_count, after.cpu_throttle_count);
  return change;
}

}  // namespace mlbench::machine
