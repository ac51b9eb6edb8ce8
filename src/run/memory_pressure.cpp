#include "run/memory_pressure.hpp"

namespace mlbench::run {

bool memory_is_short(const machine::MachineState& state) {
  return state.memory_pressure_level == "warn" || state.memory_pressure_level == "critical";
}

std::optional<std::string> wait_for_memory(const std::function<machine::MachineState()>& sample,
                                           int pauses, const std::function<void()>& pause) {
  machine::MachineState state = sample();
  for (int i = 0; i < pauses && memory_is_short(state); ++i) {
    pause();
    state = sample();
  }
  if (!memory_is_short(state)) return std::nullopt;
  return "macOS reports memory pressure \"" + *state.memory_pressure_level +
         "\", and it stayed after all workers had ended; close other programs and run again";
}

}  // namespace mlbench::run
