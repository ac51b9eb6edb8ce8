#pragma once

#include "machine/machine.hpp"
#include "run/memory_limits.hpp"
#include "run/worker.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace mlbench::run {

/// How far a search for memory limits may go.
struct LimitSearch {
  double share = 0.5;     ///< Of the memory that is available when it begins.
  double budget_s = 30;   ///< No further attempt is begun after so long, per subject.
  double timeout_s = 60;  ///< How long one attempt may take; then the child is ended.
};

/// What system and frameworks state of this machine's memory.
[[nodiscard]] std::vector<LimitRow> stated_limits(const machine::Machine& machine);

/// The framework's own limits: its reply to the probe "limits". Empty where it has none.
[[nodiscard]] std::vector<LimitRow> framework_limits(const Subject& subject,
                                                     const std::filesystem::path& log,
                                                     double timeout_s);

/// The largest single allocation of `subject`, all that it can hold and touch at once, and where
/// that becomes slow: three rows, found by trying in a process of its own, which the system is
/// asked to end before any other and, on Linux, refuses more than the bound. Nothing further is
/// tried once the system reports that memory is short. Empty with `why_not` set where the worker
/// has no such probe, or memory is short from the start.
[[nodiscard]] std::vector<LimitRow> measure_limits(const Subject& subject,
                                                   const machine::Machine& machine,
                                                   const std::filesystem::path& log,
                                                   const LimitSearch& search, std::string& why_not);

}  // namespace mlbench::run
