#pragma once

#include "fit/fit.hpp"

#include <string>

namespace mlbench::report {

/// The answer of `mlbench fit` for people: first whether it fits, what binds and how fast it will
/// be in plain lines; then what needs what; then what would help. Sizes are GiB (2^30) beside GB
/// (10^9).
[[nodiscard]] std::string fit_text(const fit::Answer& answer);

}  // namespace mlbench::report
