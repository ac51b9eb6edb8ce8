#include "workload/check.hpp"

#include <cmath>
#include <limits>
#include <sstream>

namespace mlbench::workload {
namespace {

std::string describe(const std::vector<std::int64_t>& shape, DType dtype) {
  std::string text(name_of(dtype));
  text += " [";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

std::optional<CheckResult> check_form(const TensorSpec& expected, const TensorData& output) {
  const bool same_form = output.shape == expected.shape && output.dtype == expected.dtype;
  if (same_form && static_cast<std::int64_t>(output.bytes.size()) == expected.bytes())
    return std::nullopt;
  std::string detail = "the output is " + describe(output.shape, output.dtype) + ", expected " +
                       describe(expected.shape, expected.dtype);
  if (same_form) {
    detail = "the output has " + std::to_string(output.bytes.size()) + " bytes, expected " +
             std::to_string(expected.bytes());
  }
  return CheckResult{.ok = false,
                     .method = "shape and dtype",
                     .max_error = std::numeric_limits<double>::infinity(),
                     .tolerance = 0,
                     .detail = detail};
}

void ErrorTracker::compare(double actual, double expected, double tolerance, std::int64_t where) {
  double error = std::abs(actual - expected);
  if (!std::isfinite(actual)) error = std::numeric_limits<double>::infinity();
  const double ratio =
      tolerance > 0 ? error / tolerance : (error > 0 ? std::numeric_limits<double>::infinity() : 0);
  if (ratio <= worst_ratio_) return;
  worst_ratio_ = ratio;
  result_.max_error = error;
  result_.tolerance = tolerance;
  if (ratio > 1) {
    std::ostringstream detail;
    detail.precision(9);
    detail << "element " << where << " is " << actual << ", expected " << expected << " within "
           << tolerance;
    result_.ok = false;
    result_.detail = detail.str();
  }
}

void ErrorTracker::merge(const ErrorTracker& other) {
  if (other.worst_ratio_ <= worst_ratio_) return;
  worst_ratio_ = other.worst_ratio_;
  result_ = other.result_;
}

}  // namespace mlbench::workload
