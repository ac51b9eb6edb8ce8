#pragma once

#include "cli/context.hpp"
#include "cli/run_options.hpp"
#include "store/journal.hpp"

#include <string>
#include <vector>

namespace mlbench::cli {

/// The present time in UTC, as strftime() formats it.
[[nodiscard]] std::string utc_time(const char* format);

/// A journal in options.results_dir, called after the present second, with its first line and what
/// the reader should know beforehand; a rehearsal is marked as one. Errors: `io` when it cannot be
/// written.
[[nodiscard]] Result<store::Journal> new_journal(const Context& context, const RunOptions& options,
                                                 const machine::Machine& machine,
                                                 const std::vector<std::string>& command_line);

}  // namespace mlbench::cli
