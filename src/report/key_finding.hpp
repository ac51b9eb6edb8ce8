#pragma once

#include "report/model.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace mlbench::report {

/// The largest difference between two frameworks of a run that may be singled out.
struct KeyFinding {
  std::string case_id, label;
  std::string faster, slower;  ///< Names of subjects.
  /// How many times as fast; the range is Holm's over all `cases`, so that the chance that any case
  /// so found is none stays 5 %, however many were looked at.
  double ratio = 1, low = 1, high = 1;
  std::size_t cases = 0;
};

/// The one whose range lies farthest from 1. Empty where nothing stands, and where a control of the
/// run failed, since there are no verdicts then.
[[nodiscard]] std::optional<KeyFinding> key_finding(const Report& report);

/// "MLX is 8.90 times as fast as PyTorch (7.10 to 11.2) in GEMM float32 1024, all 24 comparisons
/// taken together"; "no difference stands ..." where frameworks were compared and nothing does;
/// empty where none were.
[[nodiscard]] std::string key_finding_words(const Report& report);

[[nodiscard]] Json key_finding_json(const Report& report);

}  // namespace mlbench::report
