#pragma once

#include "workload/workload.hpp"

#include <optional>

namespace mlbench::workload {

/// A failed result when the output's shape, dtype or size is not what the case asks for.
[[nodiscard]] std::optional<CheckResult> check_form(const TensorSpec& expected,
                                                    const TensorData& output);

/// Follows the largest ratio of error to tolerance over a tensor.
class ErrorTracker {
 public:
  explicit ErrorTracker(std::string method) { result_.method = std::move(method); }
  /// `where` is only used for the sentence of a failed check.
  void compare(double actual, double expected, double tolerance, std::int64_t where);
  /// As if `other` had compared here too.
  void merge(const ErrorTracker& other);
  [[nodiscard]] CheckResult result() const { return result_; }

 private:
  CheckResult result_{.ok = true, .method = {}, .max_error = 0, .tolerance = 0, .detail = {}};
  double worst_ratio_ = -1;
};

}  // namespace mlbench::workload
