#pragma once

#include "stats/paired.hpp"
#include "store/run_data.hpp"

#include <optional>
#include <string>
#include <string_view>

/// When a pair has been measured enough, and why a case of a journal was measured no longer.
namespace mlbench::compare {

/// Rounds of one case at most, where cases may go on beyond their own time.
inline constexpr int kMostRounds = 200;

/// Why a pair has no more process pairs than it has. The names are their JSON spelling.
enum class StopReason {
  settled,          ///< Its interval is within the target.
  most_rounds,      ///< It has as many rounds as a case may have.
  case_time_spent,  ///< The case used its own time.
  budget_spent,     ///< The run's time was used while the case still had some.
  interrupted,      ///< The run was, and the case would have gone on.
  side_failed,      ///< One of the two dropped out.
};
[[nodiscard]] std::string_view name_of(StopReason reason) noexcept;

/// Half-width of the interval, as a share, at which a case is settled; that of controls may be
/// wider.
[[nodiscard]] double target_of(double target, double control_target, bool is_control);
/// The same as the run's header has it; nullopt where it does not tell.
[[nodiscard]] std::optional<double> target_of(const store::RunData& run,
                                              const store::CaseRecord& c);

/// Whether `subject` has a result of `c`, and was not given up.
[[nodiscard]] bool takes_part(const store::RunData& run, const store::CaseRecord& c,
                              const std::string& subject);

/// The stop rule of one pair: an interval within `target` from at least `min_pairs` process pairs.
[[nodiscard]] bool pair_is_settled(const std::optional<stats::RatioInterval>& interval,
                                   double target, int min_pairs);

/// Derived from the settings, the rounds and the end that the journal tells: what a case had used
/// up follows from what it had not. nullopt while the run goes on, when it was killed, and for
/// journals without these settings.
[[nodiscard]] std::optional<StopReason> stop_reason_of(
    const store::RunData& run, const store::CaseRecord& c, const store::PairRecord& pair,
    const std::optional<stats::RatioInterval>& interval);

}  // namespace mlbench::compare
