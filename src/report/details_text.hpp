#pragma once

#include "report/model.hpp"

#include <string>

namespace mlbench::report {

/// What stands behind the first screen, in at most 80 columns as far as names allow: what each
/// verdict rests on, and what the machine did while each case was measured. Empty for a run without
/// results.
[[nodiscard]] std::string details_text(const Report& report);

}  // namespace mlbench::report
