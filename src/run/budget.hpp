#pragma once

#include "compare/stopping.hpp"
#include "store/run_data.hpp"

#include <span>
#include <vector>

/// When a case has been measured enough, and which cases get the time that is left.
namespace mlbench::run {

/// Whether every pair of `c` has an interval within `target` from at least `min_pairs` process
/// pairs. Rounds are not pairs: in a round in which a side did not start, no pair was made. Pairs
/// that cannot come to a verdict any more, since a side failed, do not count.
[[nodiscard]] bool pairs_are_settled(const store::RunData& run, const store::CaseRecord& c,
                                     double target, int min_pairs);

/// What one case still needs.
struct CaseNeed {
  bool settled = false;      ///< Or nobody is left to measure it.
  bool own_spent = false;    ///< Its own time or number of rounds is used up.
  bool at_most = false;      ///< It has compare::kMostRounds, beyond which nothing goes.
  double last_slot_s = 0.0;  ///< What a round of it costs.
};

/// The cases of the next round, by place in `needs`. First come those that are not settled and have
/// time of their own. When there is none left and `share` says so, `left_s` goes to those that are
/// not settled all the same, the dearest left out where they do not all fit.
[[nodiscard]] std::vector<bool> cases_of_round(std::span<const CaseNeed> needs, double left_s,
                                               bool share);

}  // namespace mlbench::run
