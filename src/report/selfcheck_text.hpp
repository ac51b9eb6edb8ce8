#pragma once

#include "compare/selfcheck.hpp"

#include <string>
#include <vector>

namespace mlbench::report {

/// What `mlbench selfcheck` found.
struct SelfcheckReport {
  compare::SelfcheckResult result;
  double target = 0.01;
  double duration_s = 0;
  std::vector<std::string> journals;  ///< One a trial, or those that were read.
  bool regrouped = false;             ///< Nothing was measured: `regrouping` holds more.
  compare::SelfcheckResult regrouping = {};
  std::string rehearsal = {};  ///< Title of the recorded machine; then nothing is a measurement.
};

[[nodiscard]] std::string to_text(const SelfcheckReport& report);
/// Schema "mlbench.selfcheck/1" of docs/json.md.
[[nodiscard]] Json to_json(const SelfcheckReport& report);

}  // namespace mlbench::report
