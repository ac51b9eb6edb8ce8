#pragma once

#include "core/json.hpp"

#include <span>
#include <string>
#include <string_view>

namespace mlbench::kit {

/// {NAME: value} of the variables of this process whose names match one of `patterns` (as in
/// glob_match, e.g. "OPENBLAS_*"), sorted by name. Variables that are not set are left out.
[[nodiscard]] Json matching_environment(std::span<const std::string_view> patterns);

/// The compiler that built this worker: "g++ 12.2.0", "clang 16.0.0 ...".
[[nodiscard]] std::string compiler();

}  // namespace mlbench::kit
