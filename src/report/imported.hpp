#pragma once

#include "report/model.hpp"

#include <string>
#include <vector>

/// Results of other programs (docs/import.md): figures without samples, so without verdicts.
namespace mlbench::report {

/// The rows of a run that `mlbench import` wrote, each with its doubts; empty for any other run.
[[nodiscard]] std::string imported_text(const Report& report);

/// The list "imported" of mlbench.report/1.
[[nodiscard]] Json imported_json(const std::vector<store::ImportedRecord>& records);

}  // namespace mlbench::report
