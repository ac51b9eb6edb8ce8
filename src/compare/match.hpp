#pragma once

#include "compare/setup.hpp"
#include "core/error.hpp"
#include "store/run_data.hpp"

#include <string>
#include <vector>

namespace mlbench::compare {

struct Matching {
  std::vector<SubjectMatch> matches;
  std::vector<std::string> unmatched;       ///< Sentences.
  std::vector<std::string> base_only = {};  ///< Subjects of BASE among them.
};

/// Subjects of two sides that belong together: those of one name; of the others those that are the
/// only one left of their framework and kind of device (torch:mps and torch:cuda:0, mlx@old:cpu and
/// mlx@new:cpu). With `wanted` only those. Errors: `usage` for a wanted subject that a side lacks.
[[nodiscard]] Result<Matching> match_subjects(const std::vector<store::RunData>& base,
                                              const std::vector<store::RunData>& now,
                                              const std::vector<SubjectMatch>& wanted);

/// The subjects to compare within one run: `wanted`, or, when exactly one framework was measured
/// in two environments on one device, these two (the first is the base). Errors: `usage`, with the
/// subjects there are.
[[nodiscard]] Result<Matching> match_within(const store::RunData& run,
                                            const std::vector<SubjectMatch>& wanted);

}  // namespace mlbench::compare
