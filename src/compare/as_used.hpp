#pragma once

#include "compare/verdicts.hpp"

#include <optional>
#include <string>
#include <vector>

/// Interleaving puts both sides at one clock and one temperature, and averages what they do to
/// them. Where one draws more power, each alone is another answer, and the run gives both.
namespace mlbench::compare {

/// One pair on one case, measured both ways.
struct AsUsed {
  std::string case_id;  ///< Of the interleaved case; the other one's ends in "/alone".
  std::string a, b;
  CaseVerdict together, alone;
  /// Ratio alone / ratio together, over the rounds that have both: above 1, a gains where each
  /// program has the machine to itself. A round is the unit, and Student's t the interval: no stop
  /// rule looks at it. Empty with fewer than 6 rounds.
  std::optional<stats::RatioInterval> change;

  /// Whether `change` excludes 1 and is beyond 1 %.
  [[nodiscard]] bool differs() const;
};

/// Of all pairs of frameworks on all cases that were measured both ways, as declared; none where a
/// control of the run failed.
[[nodiscard]] std::vector<AsUsed> as_used_of(const store::RunData& run);

}  // namespace mlbench::compare
