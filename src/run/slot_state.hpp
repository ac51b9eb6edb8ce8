#pragma once

#include "core/json.hpp"
#include "machine/state.hpp"

#include <optional>

namespace mlbench::run {

/// How the GPU is that is at work, of several the one that draws most power: "gpu_clock_hz",
/// "gpu_temperature_c", "gpu_power_w", "gpu_clock_reasons". Without those that are unknown.
[[nodiscard]] Json gpu_fields(const std::vector<machine::GpuState>& gpus);

/// Fields of the journal's line "state": what the machine did while the blocks of one case ran in
/// one round, and how it was right after the last. Without those that are unknown; flat, so that
/// large collections read quickly. `own_cpu_s` is the CPU time of our own processes meanwhile.
[[nodiscard]] Json state_fields(const machine::MachineState& before,
                                const machine::MachineState& after,
                                std::optional<double> own_cpu_s);

}  // namespace mlbench::run
