#pragma once

#include "report/model.hpp"

#include <string>

namespace mlbench::report {

/// The first screen: machine, frameworks, checks, tables with verdicts, what was left out, doubts.
/// UTF-8, no control characters, ends with a newline. Rows without an interval yet are marked `~`.
[[nodiscard]] std::string to_text(const Report& report);

/// Machine and frameworks only: what a run shows before it measures.
[[nodiscard]] std::string header_text(const Report& report);

/// The tables only: what is redrawn while a run works.
[[nodiscard]] std::string tables_text(const Report& report);

/// Columns that `text` takes on a terminal, counting UTF-8 characters as one each.
[[nodiscard]] std::size_t display_width(std::string_view text);

}  // namespace mlbench::report
