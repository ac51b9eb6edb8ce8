#include "run/slot_state.hpp"

#include <algorithm>

namespace mlbench::run {
namespace {

/// The GPU that is at work: of several, the one that draws most power.
const machine::GpuState* busiest(const std::vector<machine::GpuState>& gpus) {
  const auto it = std::max_element(gpus.begin(), gpus.end(), [](const auto& x, const auto& y) {
    return x.power_w.value_or(0) < y.power_w.value_or(0);
  });
  return it == gpus.end() ? nullptr : &*it;
}

void erase_unknown(Json& fields) {
  for (auto it = fields.begin(); it != fields.end();)
    it = it->is_null() ? fields.erase(it) : std::next(it);
}

}  // namespace

Json gpu_fields(const std::vector<machine::GpuState>& gpus) {
  Json fields = Json::object();
  if (const auto* gpu = busiest(gpus)) {
    fields = {
        {"gpu_clock_hz", to_json_or_null(gpu->sm_clock_hz)},
        {"gpu_temperature_c", to_json_or_null(gpu->temperature_c)},
        {"gpu_power_w", to_json_or_null(gpu->power_w)},
        {"gpu_clock_reasons", gpu->clock_reasons ? Json(*gpu->clock_reasons) : Json(nullptr)}};
  }
  erase_unknown(fields);
  return fields;
}

Json state_fields(const machine::MachineState& before, const machine::MachineState& after,
                  std::optional<double> own_cpu_s) {
  const auto change = machine::change_between(before, after, own_cpu_s);
  Json fields = {{"elapsed_s", to_json_or_null(change.elapsed_s)},
                 {"other_fraction", to_json_or_null(change.other_fraction)},
                 {"steal_fraction", to_json_or_null(change.steal_fraction)},
                 {"cpu_pressure_fraction", to_json_or_null(change.cpu_pressure_fraction)},
                 {"memory_pressure_fraction", to_json_or_null(change.memory_pressure_fraction)},
                 {"swapped_in_bytes", to_json_or_null(change.swapped_in_bytes)},
                 {"cpu_throttle_count", to_json_or_null(change.cpu_throttle_count)},
                 {"load_1m", to_json_or_null(after.load_1m)},
                 {"cpu_clock_hz", to_json_or_null(after.cpu_clock_hz)},
                 {"cpu_temperature_c", to_json_or_null(after.cpu_temperature_c)},
                 {"thermal_state", to_json_or_null(after.thermal_state)},
                 {"power_source", to_json_or_null(after.power_source)},
                 {"low_power_mode", to_json_or_null(after.low_power_mode)}};
  erase_unknown(fields);
  fields.update(gpu_fields(after.gpus));
  return fields;
}

}  // namespace mlbench::run
