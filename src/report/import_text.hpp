#pragma once

#include "import/importer.hpp"

#include <string>

namespace mlbench::report {

/// What `mlbench import` prints for people: what was read, what is doubtful, what was not
/// understood.
[[nodiscard]] std::string import_text(const importing::Import& import);

}  // namespace mlbench::report
