#pragma once

#include "core/json.hpp"

#include <string>
#include <vector>

namespace mlbench::report {

/// The table of `mlbench discover --limits`: each limit a row, in GiB and in bytes. `limits` are as
/// docs/json.md describes them.
[[nodiscard]] std::string limits_table(const std::vector<Json>& limits);

}  // namespace mlbench::report
