#pragma once

#include "machine/machine.hpp"

#include <filesystem>
#include <vector>

/// A machine that was recorded elsewhere, for rehearsing on this one what its user would see.
namespace mlbench::machine {

struct Recorded {
  Machine machine;
  /// What sample_state() answers, one after the other; the last one again and again.
  std::vector<MachineState> states;
};

/// Reads {"sysctl": FILE, "gpus": [{"name", "cores"}], "states": [...]} of a recording; FILE, a
/// dump of `sysctl` on a Mac, lies beside it. It passes through the parsers that a Mac uses.
/// Errors: `usage`, naming the file.
[[nodiscard]] Result<Recorded> recorded_mac(const Json& recording,
                                            const std::filesystem::path& folder);

/// From now on, discover() and sample_state() answer from `recorded` instead of this system.
/// Called once, before anything else runs.
void answer_from(Recorded recorded);

}  // namespace mlbench::machine
