#include "report/comparison_view.hpp"

#include "core/text.hpp"
#include "machine/machine.hpp"
#include "report/model.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlbench::report {
namespace {

using compare::CaseComparison;
using compare::Comparison;

std::string machine_of(const store::RunData& run) {
  auto machine = machine::machine_from_json(run.header.contains("machine") ? run.header["machine"]
                                                                           : Json::object());
  for (const auto& s : run.subjects) machine::merge_device_facts(machine, s.facts);
  return machine::headline(machine);
}

Json time_json(const std::optional<stats::TimeSummary>& time) {
  if (!time) return nullptr;
  return {{"median", time->median_s},
          {"low", to_json_or_null(time->low_s)},
          {"high", to_json_or_null(time->high_s)},
          {"processes", time->processes}};
}

Json status_json(const std::optional<store::CaseStatus>& status) {
  return status ? Json(name_of(*status)) : Json(nullptr);
}

Json verdict_json(const CaseComparison& c, bool has_gate) {
  const auto field = [](const std::optional<stats::RatioInterval>& i, auto member) {
    return i ? Json((*i).*member) : Json(nullptr);
  };
  using stats::RatioInterval;
  return {{"case", c.case_id},
          {"a", c.subjects.now},
          {"b", c.subjects.base},
          {"ratio", c.interval ? Json(c.interval->ratio) : to_json_or_null(c.ratio_without_range)},
          {"low", field(c.interval, &RatioInterval::low)},
          {"high", field(c.interval, &RatioInterval::high)},
          {"pairs", field(c.interval, &RatioInterval::pairs)},
          {"verdict", name_of(c.judgement.verdict)},
          {"sentence", compare::sentence(c)},
          {"reason", c.reason.empty() ? Json(nullptr) : Json(c.reason)},
          {"flags", c.flags},
          {"status_a", status_json(c.now_status)},
          {"status_b", status_json(c.base_status)},
          {"time_a_s", time_json(c.now_time)},
          {"time_b_s", time_json(c.base_time)},
          {"runs", c.runs},
          {"gate", has_gate ? Json(name_of(c.gate)) : Json(nullptr)},
          {"gate_low", field(c.adjusted, &RatioInterval::low)},
          {"gate_high", field(c.adjusted, &RatioInterval::high)}};
}

Json controls_json(const Comparison& comparison) {
  Json controls = Json::array();
  for (const auto& [kind, control] : comparison.controls) {
    const auto& i = control.interval;
    controls.push_back({{"device_kind", kind},
                        {"subjects", control.subjects},
                        {"cases", control.cases},
                        {"ratio", i ? Json(i->ratio) : Json(nullptr)},
                        {"low", i ? Json(i->low) : Json(nullptr)},
                        {"high", i ? Json(i->high) : Json(nullptr)},
                        {"unchanged", control.unchanged}});
  }
  return controls;
}

/// How much slower the least certain case may still be: a gate that sees nothing passes too.
std::string not_excluded(const Comparison& comparison) {
  double most = 0;
  for (const auto& c : comparison.cases) {
    if (c.adjusted) most = std::max(most, 1 / c.adjusted->low - 1);
  }
  return fmt::format(", and a slow-down of up to {:.1f} % is not excluded", 100 * most);
}

Json failed_controls_json(const Comparison& comparison) {
  Json list = Json::array();
  for (const auto& f : comparison.failed_controls) {
    list.push_back({{"started", f.started},
                    {"in_base", f.in_base},
                    {"in_new", f.in_new},
                    {"sentence", f.sentence}});
  }
  return list;
}

}  // namespace

ComparisonView view_comparison(const compare::ComparisonRequest& request,
                               std::vector<std::string> base, std::vector<std::string> now,
                               Comparison comparison) {
  const auto& runs = request.now.empty() ? request.base : request.now;
  return {.base = std::move(base),
          .now = std::move(now),
          .base_machine = machine_of(request.base.front()),
          .now_machine = machine_of(runs.front()),
          .comparison = std::move(comparison)};
}

std::string gate_sentence(const Comparison& comparison) {
  if (!comparison.gate) return {};
  const auto& g = *comparison.gate;
  const auto percent = fmt::format("{:g} %", 100 * g.margin);
  const auto cases = [](int n) { return fmt::format("{} case{}", n, n == 1 ? "" : "s"); };
  std::string unjudged =
      g.not_judged > 0 ? fmt::format("; {} could not be judged", cases(g.not_judged)) : "";
  if (!g.lost_subjects.empty()) unjudged += "; not in NEW at all: " + join(g.lost_subjects, ", ");
  if (!g.passed) {
    return comparison.refusal.empty() ? "not decided: no case could be judged" + unjudged
                                      : "not decided: the two are not comparable";
  }
  if (*g.passed) {
    return fmt::format("pass: none of {} is shown to be slower by more than {}{}{}",
                       cases(g.judged), percent, not_excluded(comparison), unjudged);
  }
  std::vector<std::string> parts;
  if (g.regressions > 0)
    parts.push_back(
        fmt::format("{} of {} slower by more than {}", g.regressions, cases(g.judged), percent));
  if (g.broken > 0) parts.push_back(cases(g.broken) + " ok in BASE and broken in NEW");
  return "fail: " + join(parts, ", ") + unjudged;
}

Json to_json(const ComparisonView& view) {
  const Comparison& c = view.comparison;
  Json differences = Json::array(), verdicts = Json::array(), subjects = Json::array();
  for (const auto& d : c.differences) {
    differences.push_back({{"what", d.what},
                           {"base", d.base.empty() ? Json(nullptr) : Json(d.base)},
                           {"new", d.now.empty() ? Json(nullptr) : Json(d.now)},
                           {"comparable", d.weight != compare::Weight::refusal},
                           {"sentence", d.sentence()}});
  }
  for (const auto& s : c.subjects) subjects.push_back({{"a", s.now}, {"b", s.base}});
  for (const auto& v : c.cases) verdicts.push_back(verdict_json(v, c.gate.has_value()));
  Json gate = nullptr, counts = nullptr;
  if (c.gate && c.gate->passed) gate = *c.gate->passed ? "pass" : "fail";
  if (c.gate)
    counts = {{"judged", c.gate->judged},
              {"not_judged", c.gate->not_judged},
              {"regressions", c.gate->regressions},
              {"broken", c.gate->broken},
              {"lost_subjects", c.gate->lost_subjects}};
  return {{"schema", "mlbench.compare/1"},
          {"comparable", c.refusal.empty()},
          {"refusal", c.refusal.empty() ? Json(nullptr) : Json(c.refusal)},
          {"interleaved", c.interleaved},
          {"same_machine", c.same_machine},
          {"base", view.base},
          {"new", view.now.empty() ? view.base : view.now},
          {"base_machine", view.base_machine},
          {"new_machine", view.now_machine},
          {"differences", differences},
          {"subjects", subjects},
          {"unmatched", c.unmatched},
          {"controls", controls_json(c)},
          {"failed_controls", failed_controls_json(c)},
          {"rehearsals", c.rehearsals},
          {"verdicts", verdicts},
          {"gate", gate},
          {"gate_counts", counts},
          {"gate_margin", c.gate ? Json(c.gate->margin) : Json(nullptr)},
          {"gate_sentence", c.gate ? Json(gate_sentence(c)) : Json(nullptr)}};
}

}  // namespace mlbench::report
