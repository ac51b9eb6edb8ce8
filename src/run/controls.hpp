#pragma once

#include "run/runner.hpp"

#include <set>

/// Controls of a run: which small cases one subject is compared with itself on.
namespace mlbench::run {

/// A call of a control may take this long; longer ones would cost the run too much.
inline constexpr double kLongestControlCall_s = 1e-3;

/// "torch:cpu" -> "torch@again:cpu", "mlx@old:cpu" -> "mlx@old+again:cpu".
[[nodiscard]] std::string twin_name(const std::string& subject);
/// The same subject, to be started as a second process.
[[nodiscard]] Subject twin_of(const Subject& subject);

/// Square products in float32 of sizes that no preset measures, without those in `taken` (case
/// ids); other sizes for the null control than for the positive one.
[[nodiscard]] plan::Family null_candidates(const std::set<std::string>& taken);
[[nodiscard]] plan::Family positive_candidates(const std::set<std::string>& taken);

/// The largest candidate of which a call of `subject` takes at most `longest_s`, else the smallest
/// that it can compute at all. nullptr when there is none.
[[nodiscard]] const workload::Case* choose_control(const plan::Family& family,
                                                   const plan::Estimates& estimates,
                                                   const std::string& subject, double longest_s);

}  // namespace mlbench::run
