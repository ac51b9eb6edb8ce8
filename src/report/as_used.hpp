#pragma once

#include "report/model.hpp"

#include <string>
#include <vector>

namespace mlbench::report {

/// One sentence a case that two frameworks were measured on both ways: "GEMM float32 1024: together
/// PyTorch 1.20x (1.18-1.22), each alone PyTorch 1.12x (1.09-1.15); alone changes it for PyTorch by
/// -10.0 ... -4.0 %".
[[nodiscard]] std::vector<std::string> as_used_words(const Report& report);

/// docs/json.md, "as_used".
[[nodiscard]] Json as_used_json(const Report& report);

}  // namespace mlbench::report
