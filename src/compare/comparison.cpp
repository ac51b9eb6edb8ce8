#include "compare/comparison.hpp"

#include "compare/ceilings.hpp"
#include "compare/conditions.hpp"
#include "compare/controls.hpp"
#include "compare/match.hpp"
#include "core/add_once.hpp"
#include "core/text.hpp"
#include "stats/holm.hpp"
#include "stats/unpaired.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>

namespace mlbench::compare {
namespace {

using store::CaseRecord;
using store::CaseStatus;
using store::Cell;
using store::RunData;
using Runs = std::vector<RunData>;

/// Processes a side without which two runs of different times get no verdict (docs/method.md).
constexpr int kMinProcesses = 10;
/// Runs a side without which several runs get no verdict.
constexpr int kMinRuns = 3;
/// A control whose interval is not within this is not shown to be unchanged.
constexpr double kControlMargin = 0.02;

const Runs& now_of(const ComparisonRequest& request) {
  return request.now.empty() ? request.base : request.now;
}

/// The cells of one case and subject in the runs of a side that have them.
std::vector<const Cell*> cells_of(const Runs& runs, const std::string& case_id,
                                  const std::string& subject) {
  std::vector<const Cell*> cells;
  for (const RunData& run : runs) {
    if (const Cell* cell = run.find_cell(case_id, subject)) cells.push_back(cell);
  }
  return cells;
}

/// How bad it is for a gate that a case ended so.
int badness(CaseStatus status) {
  if (status == CaseStatus::ok) return 0;
  if (status == CaseStatus::skipped) return 1;
  return status == CaseStatus::unsupported ? 2 : 3;
}

/// ok only where every run of the side is; else the first of the worst: a run that skipped the case
/// does not hide that it crashed in another.
const Cell* worst_of(const std::vector<const Cell*>& cells) {
  const auto it = std::max_element(cells.begin(), cells.end(), [](const Cell* x, const Cell* y) {
    return badness(x->status) < badness(y->status);
  });
  return it == cells.end() ? nullptr : *it;
}

/// Logs of process times, by run.
std::vector<std::vector<double>> logs_of(const std::vector<const Cell*>& cells) {
  std::vector<std::vector<double>> logs;
  for (const Cell* cell : cells) {
    if (auto run = stats::log_times(process_times_s(*cell))) logs.push_back(*std::move(run));
  }
  return logs;
}

std::optional<stats::TimeSummary> time_over(const std::vector<const Cell*>& cells) {
  std::vector<double> times_s;
  for (const Cell* cell : cells) {
    const auto more = process_times_s(*cell);
    times_s.insert(times_s.end(), more.begin(), more.end());
  }
  return stats::time_summary(times_s);
}

/// Welch over processes of one run a side, over means of runs where a side has several.
struct Unpaired {
  std::optional<stats::RatioInterval> interval;
  int runs = 0, processes = 0;  ///< Of the smaller side.
  bool is_over_runs = false;    ///< The runs are the units.
  std::optional<double> ratio = {};
};

Unpaired unpaired(const std::vector<const Cell*>& base, const std::vector<const Cell*>& now) {
  const auto b = logs_of(base), n = logs_of(now);
  const auto processes = [](const auto& side) {
    std::size_t count = 0;
    for (const auto& run : side) count += run.size();
    return count;
  };
  Unpaired result{.interval = {},
                  .runs = static_cast<int>(std::min(b.size(), n.size())),
                  .processes = static_cast<int>(std::min(processes(b), processes(n)))};
  if (b.empty() || n.empty()) return result;
  result.is_over_runs = b.size() > 1 || n.size() > 1;
  const auto units_b = result.is_over_runs ? stats::run_means(b) : b.front(),
             units_n = result.is_over_runs ? stats::run_means(n) : n.front();
  result.interval = stats::welch_interval(units_n, units_b);
  if (!units_b.empty() && !units_n.empty())
    result.ratio = std::exp(stats::mean(units_b) - stats::mean(units_n));
  return result;
}

/// All cases of both sides but the controls of a run, in order of first appearance.
std::vector<const CaseRecord*> all_cases(const Runs& base, const Runs& now) {
  std::vector<const CaseRecord*> cases;
  std::set<std::string> seen;
  for (const Runs* side : {&base, &now}) {
    for (const RunData& run : *side) {
      for (const CaseRecord& c : run.cases) {
        if (!c.control && seen.insert(c.definition.id).second) cases.push_back(&c);
      }
    }
  }
  return cases;
}

/// Whether all runs mean the same by a case: parameters and work.
bool means_the_same(const std::string& case_id, const Runs& base, const Runs& now) {
  const CaseRecord* first = nullptr;
  for (const Runs* side : {&base, &now}) {
    for (const RunData& run : *side) {
      const auto* c = run.find_case(case_id);
      if (c == nullptr) continue;
      if (first == nullptr) first = c;
      if (c->definition.params != first->definition.params ||
          c->definition.dtype != first->definition.dtype || c->work.flop != first->work.flop ||
          c->work.bytes != first->work.bytes)
        return false;
    }
  }
  return true;
}

std::string why_not_ok(const Cell* cell, const char* side) {
  if (cell == nullptr) return std::string("not in ") + side;
  if (cell->status == CaseStatus::ok) return {};
  return std::string(name_of(cell->status)) + " in " + side +
         (cell->reason.empty() ? "" : ": " + cell->reason);
}

bool left_out(const Cell* cell) {
  return cell == nullptr || cell->status == CaseStatus::skipped ||
         cell->status == CaseStatus::unsupported;
}

/// Two frameworks run two kernels: no news.
bool one_framework(const SubjectMatch& s) {
  return s.base.substr(0, s.base.find_first_of("@:")) == s.now.substr(0, s.now.find_first_of("@:"));
}

/// What the two sides did not do alike.
void add_side_flags(CaseComparison& c, const Cell& base, const Cell& now) {
  const auto differs = [](const std::optional<store::CheckRecord>& x,
                          const std::optional<store::CheckRecord>& y) {
    return x.has_value() != y.has_value() || (x && (x->ok != y->ok || x->method != y->method));
  };
  if (differs(base.check, now.check)) c.flags.emplace_back("check_differs");
  if (base.kernel != now.kernel && one_framework(c.subjects))
    c.flags.emplace_back("kernel_differs");
  if (base.calls != now.calls) c.flags.emplace_back("calls_differ");
}

/// Both subjects in each run: the process pairs of the run, or the means of several runs.
void judge_interleaved(CaseComparison& c, const ComparisonRequest& request) {
  std::vector<std::vector<double>> by_run;
  std::optional<CaseVerdict> only;
  for (const RunData& run : request.base) {
    const auto* record = run.find_case(c.case_id);
    if (record == nullptr) continue;
    auto verdict =
        verdict_of(run, *record, {.a = c.subjects.now, .b = c.subjects.base, .control = false});
    if (verdict.pair_log_ratios.empty()) continue;
    by_run.push_back(verdict.pair_log_ratios);
    add_once(c.flags, verdict.flags);
    only = std::move(verdict);
  }
  c.runs = static_cast<int>(by_run.size());
  if (!only) {
    c.reason = "no process pairs";
    return;
  }
  if (by_run.size() == 1) {
    c.interval = only->interval;
    c.judgement = only->judgement;
    c.reason = only->reason;
    return;
  }
  c.interval = stats::ratio_interval(stats::run_means(by_run));
  c.judgement = stats::judge(c.interval, {.min_pairs = kMinRuns});
  if (c.judgement.verdict == stats::Verdict::invalid)
    c.reason = std::to_string(by_run.size()) + " runs are pooled, " + std::to_string(kMinRuns) +
               " are needed";
}

/// Runs of different times: a ratio always, a verdict only where the machine is shown to have been
/// the same. The control's range is what it could not exclude, and widens the interval.
void judge_separate(CaseComparison& c, const Unpaired& u, const Comparison& whole,
                    const OccasionControl* control) {
  c.interval = u.interval;
  c.runs = u.runs;
  if (!u.interval) {
    c.ratio_without_range = u.ratio;
    c.reason = u.is_over_runs ? "not interleaved, and fewer than 2 runs on a side"
                              : "fewer than 2 processes on a side";
    return;
  }
  if (!whole.same_machine) {
    c.reason = "different machines";
    return;
  }
  if (u.processes < kMinProcesses) {
    c.reason = "not interleaved, and " + std::to_string(u.processes) + " processes on a side, " +
               std::to_string(kMinProcesses) + " are needed";
    return;
  }
  if (u.interval->welch_df && u.runs > 1 && u.runs < kMinRuns) {
    c.reason = "not interleaved, and " + std::to_string(u.runs) + " runs on a side, " +
               std::to_string(kMinRuns) + " are needed";
    return;
  }
  if (control == nullptr || control->subjects.empty()) {
    c.reason = "not interleaved, and no program that is the same on both sides as control";
    return;
  }
  if (!control->unchanged) {
    c.reason = "not interleaved, and the control is not shown to be unchanged";
    return;
  }
  const auto& i = *control->interval;
  c.extra_log = std::max(std::abs(std::log(i.low)), std::abs(std::log(i.high)));
  c.interval = stats::widened(*u.interval, c.extra_log);
  c.judgement = stats::judge(c.interval, {.min_pairs = 2});
  if (!c.interval) c.reason = "its interval is beyond all bounds";
}

/// Takes the verdict away, whatever the interval says; a reason that is there stays.
void withhold(CaseComparison& c, const std::string& reason) {
  if (c.judgement.verdict != stats::Verdict::invalid || c.reason.empty()) c.reason = reason;
  c.judgement = {};
}

/// What the state of the machine calls for, on either side.
void add_condition_flags(CaseComparison& c, const Runs& runs, const std::string& subject) {
  for (const RunData& run : runs) {
    const auto* record = run.find_case(c.case_id);
    const auto* cell = run.find_cell(c.case_id, subject);
    if (record != nullptr) add_once(c.flags, flags_of(conditions_of(run, *record)));
    if (cell != nullptr) add_once(c.flags, flags_of(conditions_of(*cell)));
  }
}

CaseComparison compare_case(const CaseRecord& record, const SubjectMatch& match,
                            const ComparisonRequest& request, const Comparison& whole) {
  const auto base = cells_of(request.base, record.definition.id, match.base),
             now = cells_of(now_of(request), record.definition.id, match.now);
  CaseComparison c{.case_id = record.definition.id,
                   .label = workload::label_of(record.definition),
                   .subjects = match,
                   .work = record.work,
                   .base_time = time_over(base),
                   .now_time = time_over(now)};
  c.was_measured = std::any_of(base.begin(), base.end(),
                               [](const Cell* cell) { return cell->status == CaseStatus::ok; });
  const Cell *b = worst_of(base), *n = worst_of(now);
  if (b != nullptr) c.base_status = b->status;
  if (n != nullptr) c.now_status = n->status;
  c.skipped = left_out(b) || left_out(n);
  c.reason = why_not_ok(n, "NEW");
  if (c.reason.empty() || (c.skipped && !left_out(n))) {
    if (auto why = why_not_ok(b, "BASE"); !why.empty()) c.reason = why;
  }
  if (!c.reason.empty()) {
    if (b == nullptr || b->status != CaseStatus::ok) c.base_time.reset();
    if (n == nullptr || n->status != CaseStatus::ok) c.now_time.reset();
    return c;
  }
  add_side_flags(c, *b, *n);
  for (const auto* side : {&base, &now}) {
    for (const Cell* cell : *side) add_once(c.flags, cell->flags);
  }
  add_condition_flags(c, request.base, match.base);
  add_condition_flags(c, now_of(request), match.now);
  if (!means_the_same(c.case_id, request.base, request.now)) {
    c.reason = "its parameters differ between the runs";
    return c;
  }
  constexpr const char* kDistrusted = "a control of its run failed";
  if (whole.interleaved) {
    judge_interleaved(c, request);
  } else {
    const auto* subject = request.base.front().find_subject(match.base);
    const auto control =
        whole.controls.find(subject == nullptr ? "" : device_kind(subject->device));
    judge_separate(c, unpaired(base, now), whole,
                   control == whole.controls.end() ? nullptr : &control->second);
  }
  if (!whole.failed_controls.empty()) withhold(c, kDistrusted);
  if (!whole.refusal.empty()) {  // asked for all the same
    c.judgement = {};
    c.reason = "not comparable";
  }
  return c;
}

/// Programs that are the same on both sides; `native` where there is one, since it is part of
/// mlbench itself and nobody's upgrade.
OccasionControl control_on(const std::string& kind, const ComparisonRequest& request) {
  OccasionControl control;
  std::vector<const store::SubjectRecord*> same;
  for (const auto& s : request.base.front().subjects) {
    const auto* other = request.now.front().find_subject(s.name);
    if (s.status == CaseStatus::ok && device_kind(s.device) == kind && other != nullptr &&
        s.framework == "native" && same_program(s, *other))
      same.push_back(&s);
  }
  std::vector<stats::RatioInterval> intervals;
  for (const auto* s : same) {
    bool used = false;
    for (const auto* c : all_cases(request.base, request.now)) {
      const auto base = cells_of(request.base, c->definition.id, s->name),
                 now = cells_of(request.now, c->definition.id, s->name);
      const Cell *b = worst_of(base), *n = worst_of(now);
      if (b == nullptr || n == nullptr || b->status != CaseStatus::ok ||
          n->status != CaseStatus::ok)
        continue;
      const auto u = unpaired(base, now);
      if (!u.interval || u.processes < kMinProcesses) continue;
      intervals.push_back(*u.interval);
      used = true;
    }
    if (used) control.subjects.push_back(s->name);
  }
  control.cases = static_cast<int>(intervals.size());
  control.interval = stats::cautious_mean(intervals);
  control.unchanged = control.interval && control.interval->low > 1 / (1 + kControlMargin) &&
                      control.interval->high < 1 + kControlMargin;
  return control;
}

GateResult apply_gate(std::vector<CaseComparison>& cases, double margin) {
  GateResult gate{.margin = margin};
  std::vector<std::optional<stats::RatioInterval>> intervals;
  double extra_log = 0;  // the largest for all: Holm's procedure needs one margin
  for (const auto& c : cases) {
    const bool judged = c.judgement.verdict != stats::Verdict::invalid;
    intervals.push_back(judged ? c.interval : std::nullopt);
    extra_log = std::max(extra_log, c.extra_log);
  }
  // Holm's intervals hold what the statistics know; the control's share is added to them after.
  auto adjusted = stats::holm_intervals(intervals, 0.95, (1 + margin) * std::exp(extra_log) - 1);
  for (auto& interval : adjusted) {
    if (interval) interval = stats::widened(*interval, extra_log);
  }
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CaseComparison& c = cases[i];
    using Gate = CaseComparison::Gate;
    const bool was_ok = c.base_status == CaseStatus::ok;
    if (was_ok && c.now_status &&
        (is_failure(*c.now_status) || *c.now_status == CaseStatus::unsupported)) {
      c.gate = Gate::broken;
      ++gate.broken;
    } else if (adjusted[i]) {
      c.adjusted = adjusted[i];
      c.gate = adjusted[i]->high < 1 / (1 + margin) ? Gate::regression : Gate::held;
      gate.regressions += c.gate == Gate::regression ? 1 : 0;
      ++gate.judged;
    } else if (!c.skipped || c.was_measured) {
      c.gate = Gate::not_judged;
      ++gate.not_judged;
    }
  }
  if (gate.regressions + gate.broken > 0) {
    gate.passed = false;
  } else if (gate.judged > 0) {
    gate.passed = true;
  }
  return gate;
}

/// One run cannot stand on both sides, nor twice on one: its samples would count twice.
Status check_distinct(const ComparisonRequest& request) {
  std::set<std::string> seen;
  for (const Runs* side : {&request.base, &request.now}) {
    for (const RunData& run : *side) {
      if (!seen.insert(dump_json(run.header)).second)
        return fail(ErrorKind::usage,
                    "the run begun at " + find_string(run.header, "started").value_or("?") +
                        " is named twice: name different runs, or two subjects of one run with "
                        "--subjects BASE,NEW");
    }
  }
  return Done{};
}

void note_failed_controls(Comparison& comparison, const Runs& runs, bool base, bool now) {
  for (const RunData& run : runs) {
    for (const Control& c : controls_of(run)) {
      if (!failed(c)) continue;
      const std::string with = c.positive ? " with more work" : "";
      comparison.failed_controls.push_back(
          {.started = find_string(run.header, "started").value_or("?"),
           .in_base = base,
           .in_new = now,
           .sentence = c.verdict.a + " against itself" + with + " came out " + in_words(c)});
    }
  }
}

void note_rehearsals(Comparison& comparison, const Runs& runs) {
  for (const RunData& run : runs) {
    const auto title = find_string(run.header, "rehearsal");
    auto& known = comparison.rehearsals;
    if (title && std::find(known.begin(), known.end(), *title) == known.end())
      known.push_back(*title);
  }
}

std::string refusal_of(const std::vector<SetupDifference>& differences) {
  std::vector<std::string> reasons;
  for (const auto& d : differences) {
    if (d.weight == Weight::refusal) reasons.push_back(d.sentence());
  }
  return join(reasons, "; ");
}

}  // namespace

std::string_view name_of(CaseComparison::Gate gate) noexcept {
  switch (gate) {
    case CaseComparison::Gate::left_out: return "left_out";
    case CaseComparison::Gate::not_judged: return "not_judged";
    case CaseComparison::Gate::held: return "held";
    case CaseComparison::Gate::regression: return "regression";
    case CaseComparison::Gate::broken: return "broken";
  }
  return "left_out";
}

Result<Comparison> compare_sides(const ComparisonRequest& request) {
  if (auto ok = check_distinct(request); !ok) return ok.error();
  Comparison result;
  result.interleaved = request.now.empty();
  auto matching = result.interleaved ? match_within(request.base.front(), request.subjects)
                                     : match_subjects(request.base, request.now, request.subjects);
  if (!matching) return matching.error();
  result.subjects = std::move(matching->matches);
  result.unmatched = std::move(matching->unmatched);
  if (result.subjects.empty())
    return fail(ErrorKind::usage,
                "the runs have no subject in common; --subjects BASE,NEW says which belong "
                "together (" +
                    join(result.unmatched, ", ") + ")");
  const Runs& now = now_of(request);
  result.same_machine = same_machine(request.base, now);
  result.differences = setup_differences(request.base, now, result.subjects);
  result.refusal = refusal_of(result.differences);
  note_failed_controls(result, request.base, true, result.interleaved);
  note_failed_controls(result, request.now, false, true);
  note_rehearsals(result, request.base);
  note_rehearsals(result, request.now);
  if (!result.refusal.empty() && !request.anyway) return result;

  if (!result.interleaved) {
    for (const char* kind : {"cpu", "gpu"}) {
      auto control = control_on(kind, request);
      if (!control.subjects.empty()) result.controls[kind] = std::move(control);
    }
  }
  for (const SubjectMatch& match : result.subjects) {
    for (const CaseRecord* c : all_cases(request.base, request.now))
      result.cases.push_back(compare_case(*c, match, request, result));
  }
  if (request.gate) {
    result.gate = apply_gate(result.cases, *request.gate);
    result.gate->lost_subjects = std::move(matching->base_only);
  }
  return result;
}

namespace {

std::string times(double ratio) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), ratio < 10 ? "%.2f" : "%.1f", ratio);
  return text.data();
}

std::string percent(double ratio) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.1f %%", 100 * (ratio - 1));
  return text.data();
}

/// "1.06x faster (95 % range 1.03 to 1.09)" from a ratio time of BASE / time of NEW.
std::string faster_or_slower(const stats::RatioInterval& i) {
  const bool faster = i.ratio >= 1;
  const double ratio = faster ? i.ratio : 1 / i.ratio;
  const double low = faster ? i.low : 1 / i.high, high = faster ? i.high : 1 / i.low;
  return times(ratio) + "x " + (faster ? "faster" : "slower") + " (95 % range " + times(low) +
         " to " + times(high) + ")";
}

}  // namespace

std::string sentence(const CaseComparison& c) {
  switch (c.judgement.verdict) {
    case stats::Verdict::faster:
    case stats::Verdict::slower:
      return faster_or_slower(*c.interval) +
             (c.judgement.below_practical ? ", may be below 1 %" : "");
    case stats::Verdict::equal: return "equal within 2 %";
    case stats::Verdict::undecided:
      return "no difference shown; its speed may be " + percent(c.interval->low) + " to " +
             percent(c.interval->high);
    case stats::Verdict::invalid: break;
  }
  return "no verdict: " + c.reason;
}

}  // namespace mlbench::compare
