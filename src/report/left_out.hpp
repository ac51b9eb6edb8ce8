#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

/// Why cases are not measured, in few lines: a plan leaves out hundreds, for a handful of reasons.
namespace mlbench::report {

struct LeftOutCase {
  std::string id, workload, reason;
};

/// Cases whose reasons differ in their numbers only.
struct LeftOutGroup {
  /// The reason; a number that differs from case to case as "12.5 to 51.0 GiB".
  std::string reason;
  std::vector<LeftOutCase> cases;                              ///< In the order that they came in.
  std::vector<std::pair<std::string, std::size_t>> workloads;  ///< With how many cases; most first.
};

/// Groups in the order of their first case.
[[nodiscard]] std::vector<LeftOutGroup> group_left_out(const std::vector<LeftOutCase>& cases);

/// "566 cases: not among the headline cases of this preset (gemm 45, attention 72, 40 more
/// workloads)"; one or two cases by their ids.
[[nodiscard]] std::string in_words(const LeftOutGroup& group);

}  // namespace mlbench::report
