#include "compare/controls.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace mlbench::compare {
namespace {

constexpr double kNullConfidence = 0.999;

ControlOutcome outcome_of(const Control& c) {
  if (c.verdict.judgement.verdict == stats::Verdict::invalid || !c.wide)
    return ControlOutcome::not_tested;
  const auto& i = *c.verdict.interval;
  if (!c.positive) {
    const bool differs = c.wide->low > 1 || c.wide->high < 1;
    return differs ? ControlOutcome::different : ControlOutcome::equal;
  }
  if (i.low > 1) return ControlOutcome::found;
  const bool could_see = i.half_width_log < std::log1p(kControlWidth) || i.high < 1;
  return could_see ? ControlOutcome::missed : ControlOutcome::undecided;
}

std::string range(const stats::RatioInterval& i) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%.3fx, %.4g %% range %.3f to %.3f", i.ratio,
                100 * i.confidence, i.low, i.high);
  return text.data();
}

}  // namespace

std::string_view name_of(ControlOutcome outcome) noexcept {
  switch (outcome) {
    case ControlOutcome::equal: return "equal";
    case ControlOutcome::different: return "different";
    case ControlOutcome::found: return "found";
    case ControlOutcome::missed: return "missed";
    case ControlOutcome::undecided: return "undecided";
    case ControlOutcome::not_tested: break;
  }
  return "not_tested";
}

Control judge_control(CaseVerdict verdict) {
  Control c{.verdict = std::move(verdict), .positive = false, .wide = {}};
  c.positive = c.verdict.true_ratio > 1;
  if (c.verdict.interval) c.wide = stats::at_confidence(*c.verdict.interval, kNullConfidence);
  c.outcome = outcome_of(c);
  return c;
}

std::vector<Control> controls_of(const store::RunData& run) {
  std::vector<Control> controls;
  for (const auto& c : run.cases) {
    if (!c.control) continue;
    for (const auto* pair : pairs_of(run, c)) {
      auto control = judge_control(verdict_of(run, c, *pair));
      control.positive = c.control->extra_work > 0;  // also before anything was measured
      controls.push_back(std::move(control));
    }
  }
  return controls;
}

bool failed(const Control& control) {
  return control.outcome == ControlOutcome::different || control.outcome == ControlOutcome::missed;
}

bool trusted(const std::vector<Control>& controls) {
  return std::none_of(controls.begin(), controls.end(), failed);
}

std::string in_words(const Control& c) {
  switch (c.outcome) {
    case ControlOutcome::equal:
      // Whoever cannot see a difference must not call it equality.
      return c.verdict.judgement.verdict == stats::Verdict::equal
                 ? "equal"
                 : "no difference shown (" + range(*c.wide) + ")";
    case ControlOutcome::different: return "DIFFERENT (" + range(*c.wide) + ")";
    case ControlOutcome::found: return "found";
    case ControlOutcome::missed: return "MISSED (" + range(*c.verdict.interval) + ")";
    case ControlOutcome::undecided: return "not decided (" + range(*c.verdict.interval) + ")";
    case ControlOutcome::not_tested: break;
  }
  return "not tested (" + c.verdict.reason + ")";
}

}  // namespace mlbench::compare
