#pragma once

#include "protocol/message.hpp"

#include <cstdint>

namespace mlbench::kit {

/// Nanoseconds of the steady clock; comparable between the processes of one machine.
[[nodiscard]] std::int64_t steady_ns();

/// Counters of this process so far; differences of two of these describe a block.
struct Counters {
  double process_cpu_s = 0, thread_cpu_s = 0;
  std::int64_t involuntary_switches = 0, minor_faults = 0;
};
[[nodiscard]] Counters read_counters();

/// Index of the CPU that this thread runs on; empty where the system does not tell.
[[nodiscard]] std::optional<std::int64_t> current_cpu();

/// Seconds for a fixed chain of dependent integer operations (about 200 us): it touches no memory,
/// so only the clock frequency and pre-emption change it.
[[nodiscard]] double spin_s();

/// Asks the system to end this process when its parent dies, and for a user-interactive scheduling
/// class where there is one (macOS would otherwise move a background child to the efficiency
/// cores).
void prepare_process();

}  // namespace mlbench::kit
