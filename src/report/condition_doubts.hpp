#pragma once

#include "report/model.hpp"

#include <string>
#include <vector>

namespace mlbench::report {

/// One sentence for each flag of compare/conditions.hpp that any row carries, with the rows and how
/// much it was: a machine with other load has it in all rows, and needs to be told once.
[[nodiscard]] std::vector<std::string> condition_doubts(const Report& report);

}  // namespace mlbench::report
