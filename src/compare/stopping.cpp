#include "compare/stopping.hpp"

#include "stats/verdict.hpp"

#include <algorithm>

namespace mlbench::compare {
namespace {

using store::CaseRecord;
using store::RunData;

const Json& settings_of(const RunData& run) {
  static const Json none = Json::object();
  const auto it = run.header.find("settings");
  return it == run.header.end() || !it->is_object() ? none : *it;
}

}  // namespace

std::string_view name_of(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::settled: return "settled";
    case StopReason::most_rounds: return "most_rounds";
    case StopReason::case_time_spent: return "case_time_spent";
    case StopReason::budget_spent: return "budget_spent";
    case StopReason::interrupted: return "interrupted";
    case StopReason::side_failed: break;
  }
  return "side_failed";
}

bool takes_part(const RunData& run, const CaseRecord& c, const std::string& subject) {
  const auto* cell = run.find_cell(c.definition.id, subject);
  const auto* record = run.find_subject(subject);
  return cell != nullptr && cell->status == store::CaseStatus::ok &&
         (record == nullptr || record->status == store::CaseStatus::ok);
}

double target_of(double target, double control_target, bool is_control) {
  return is_control ? std::max(target, control_target) : target;
}

std::optional<double> target_of(const RunData& run, const CaseRecord& c) {
  const Json& settings = settings_of(run);
  const auto target = find_number(settings, "target");
  if (!target) return std::nullopt;
  return target_of(*target, find_number(settings, "control_target").value_or(*target),
                   c.control.has_value());
}

bool pair_is_settled(const std::optional<stats::RatioInterval>& interval, double target,
                     int min_pairs) {
  return stats::settled(interval, target) && interval->pairs >= min_pairs;
}

std::optional<StopReason> stop_reason_of(const RunData& run, const CaseRecord& c,
                                         const store::PairRecord& pair,
                                         const std::optional<stats::RatioInterval>& interval) {
  if (!takes_part(run, c, pair.a) || !takes_part(run, c, pair.b)) return StopReason::side_failed;
  const Json& settings = settings_of(run);
  const auto target = target_of(run, c);
  const auto min_rounds = find_int(settings, "min_rounds"),
             max_rounds = find_int(settings, "max_rounds");
  if (!target || !min_rounds || !max_rounds) return std::nullopt;
  if (pair_is_settled(interval, *target, static_cast<int>(*min_rounds))) return StopReason::settled;
  const auto ending = run.end ? find_string(*run.end, "ending") : std::nullopt;
  if (!ending) return std::nullopt;

  // Where cases share the run's time, none stops for its own.
  const bool shares = find_bool(settings, "share_budget").value_or(false);
  const auto& rounds = run.rounds_of(c.definition.id);
  if (std::ssize(rounds) >= (shares ? kMostRounds : *max_rounds)) return StopReason::most_rounds;
  const bool went_on = shares || run.finished_rounds.empty() ||
                       rounds.contains(*run.finished_rounds.rbegin());  // until the last round
  if (went_on && *ending == "interrupted") return StopReason::interrupted;
  if (went_on && *ending == "budget_spent") return StopReason::budget_spent;
  return StopReason::case_time_spent;
}

}  // namespace mlbench::compare
