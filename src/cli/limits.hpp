#pragma once

#include "machine/machine.hpp"
#include "run/limit_probe.hpp"

#include <string>
#include <vector>

namespace mlbench::cli {

/// Every memory limit of this machine: as stated by the system and by the frameworks of `subjects`,
/// and as found by trying, on one CPU subject (native where it is there: a framework's CPU memory
/// is the machine's) and on every GPU subject. What could not be measured goes to `notices`.
[[nodiscard]] std::vector<run::LimitRow> all_limits(const machine::Machine& machine,
                                                    const std::vector<run::Subject>& subjects,
                                                    const run::LimitSearch& search,
                                                    std::vector<std::string>& notices);

}  // namespace mlbench::cli
