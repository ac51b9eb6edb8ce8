#pragma once

#include "machine/state.hpp"

#include <functional>
#include <optional>
#include <string>

namespace mlbench::run {

/// Whether the system says that memory runs short: macOS's pressure "warn" or "critical". Systems
/// that do not tell are never short.
[[nodiscard]] bool memory_is_short(const machine::MachineState& state);

/// Asks `sample` until memory is no longer short, `pauses` times at most with one call of `pause`
/// before each; empty when it recovered, or the sentence with which a case is skipped. A machine
/// that swaps measures its disk, and one whose GPU memory is wired beyond what is free can stop.
[[nodiscard]] std::optional<std::string> wait_for_memory(
    const std::function<machine::MachineState()>& sample, int pauses,
    const std::function<void()>& pause);

}  // namespace mlbench::run
