#pragma once

#include "machine/machine.hpp"
#include "store/run_data.hpp"

#include <string>
#include <vector>

namespace mlbench::report {

/// What `mlbench discover` prints: the machine and every framework, one fact a line, unknown ones
/// left out.
[[nodiscard]] std::string discovery_text(const machine::Machine& machine,
                                         const std::vector<store::SubjectRecord>& subjects);

}  // namespace mlbench::report
