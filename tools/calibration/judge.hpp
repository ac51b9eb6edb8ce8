#pragma once

#include "recording.hpp"

#include <ostream>

namespace mlbench::calibration {

/// Applies every rule to the same recording and prints Markdown tables: how often it calls A
/// different from A, how often it finds B, how far off its estimate is, and how long it takes to be
/// within 1 %.
void judge(const Recording& recording, std::ostream& out);

}  // namespace mlbench::calibration
