#pragma once

#include "machine/machine.hpp"

/// What each operating system implements behind discover() and sample_state().
namespace mlbench::machine {

[[nodiscard]] Result<Machine> discover_system();
[[nodiscard]] MachineState sample_system_state();

}  // namespace mlbench::machine
