#include "cli/controls.hpp"

#include "run/controls.hpp"

#include <algorithm>

namespace mlbench::cli {
namespace {

/// Work that the positive control adds. It has to be found wherever a verdict of 2 % is given.
constexpr double kExtraWork = 0.05;
/// The positive control makes 20 calls a sample at least, so its calls have to be shorter.
constexpr double kLongestPositiveCall_s = run::kLongestControlCall_s / 4;

}  // namespace

std::set<std::string> ids_of(const plan::Candidates& candidates) {
  std::set<std::string> ids;
  for (const auto& family : candidates.families) {
    for (const auto& c : family.candidates) ids.insert(c.id);
  }
  for (const auto& left : candidates.left_out) ids.insert(left.definition.id);
  return ids;
}

std::vector<std::string> control_subjects(const std::vector<run::PairPlan>& pairs,
                                          const std::vector<std::string>& usable,
                                          plan::Preset preset) {
  std::vector<std::string> subjects;
  const auto is_native = [](const std::string& name) { return name.starts_with("native"); };
  if (preset == plan::Preset::full) {
    for (const auto& name : usable) {
      if (!is_native(name)) subjects.push_back(name);
    }
  } else if (!pairs.empty()) {
    subjects.push_back(pairs.front().a);
    if (preset != plan::Preset::quick && !is_native(pairs.front().b))
      subjects.push_back(pairs.front().b);
  }
  if (subjects.empty() && !usable.empty()) subjects.push_back(usable.front());
  return subjects;
}

Result<std::vector<run::ControlPlan>> plan_controls(run::Runner& runner,
                                                    const std::vector<std::string>& subjects,
                                                    std::set<std::string> taken) {
  std::vector<run::ControlPlan> controls;
  for (const auto& subject : subjects) {
    for (const bool positive : {false, true}) {
      const auto family = positive ? run::positive_candidates(taken) : run::null_candidates(taken);
      const double longest_s = positive ? kLongestPositiveCall_s : run::kLongestControlCall_s;
      const auto estimates = runner.scout_control(subject, family, longest_s);
      if (!estimates) return estimates.error();
      const auto* chosen = run::choose_control(family, *estimates, subject, longest_s);
      if (chosen == nullptr) continue;
      taken.insert(chosen->id);  // a case belongs to one control
      controls.push_back(
          {.subject = subject, .definition = *chosen, .extra_work = positive ? kExtraWork : 0});
    }
  }
  return controls;
}

}  // namespace mlbench::cli
