#include "report/selfcheck_text.hpp"

#include "core/units.hpp"
#include "report/table.hpp"

#include <fmt/format.h>

#include <cmath>

namespace mlbench::report {
namespace {

using compare::SelfcheckResult;

std::string rate_text(int k, int n) {
  const auto r = stats::wilson_interval(k, n);
  if (!r) return "-";
  return fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100 * r->rate, 100 * r->low, 100 * r->high);
}

std::string width_text(double width) {
  return width > 0 ? fmt::format("±{:.1f} %", 100 * width) : "-";
}

void add_groups(std::string& out, const SelfcheckResult& r) {
  Table table;
  table.add({"A AGAINST A", "comparisons", "false verdicts", "sd of a pair", "s a pair", "6 pairs",
             "10 pairs", "20 pairs", "in 60 s", "rate (95 % range)"});
  for (const auto& g : r.groups) {
    table.add({g.name, std::to_string(g.comparisons), std::to_string(g.false_verdicts),
               fmt::format("{:.1f} %", 100 * g.sd_log),
               g.seconds_a_pair > 0 ? fmt::format("{:.2f}", g.seconds_a_pair) : "-",
               width_text(g.width_6), width_text(g.width_10), width_text(g.width_20),
               g.width_60_s ? width_text(*g.width_60_s) : "-",
               rate_text(g.false_verdicts, g.comparisons)});
  }
  table.add({"all", std::to_string(r.comparisons), std::to_string(r.false_verdicts), "", "", "", "",
             "", "", rate_text(r.false_verdicts, r.comparisons)});
  out += table.text();
}

Json range_json(int k, int n) {
  const auto r = stats::wilson_interval(k, n);
  return {{"rate", r ? Json(r->rate) : Json(nullptr)},
          {"low", r ? Json(r->low) : Json(nullptr)},
          {"high", r ? Json(r->high) : Json(nullptr)}};
}

Json null_json(const SelfcheckResult& r) {
  Json json = {{"comparisons", r.comparisons},
               {"false_verdicts", r.false_verdicts},
               {"without_verdict", r.without_verdict},
               {"alarm_from", r.alarm_from}};
  json.update(range_json(r.false_verdicts, r.comparisons));
  return json;
}

}  // namespace

std::string to_text(const SelfcheckReport& report) {
  const auto& r = report.result;
  std::string out;
  if (r.comparisons > 0) {
    add_groups(out, r);
    out += "(6, 10, 20 pairs, in 60 s: half-width of the 95 % range to expect)\n";
  }
  for (const auto& i : r.injected) {
    out += fmt::format(
        "\n{:.3g} % MORE WORK   found {} of {} = {}, wrong sign {}, measured {:+.2f} % on "
        "average\n",
        100 * i.change, i.found, i.trials, rate_text(i.found, i.trials), i.wrong,
        100 * std::expm1(i.mean_measured));
  }
  out += fmt::format("\nINTERVALS   hold the truth in {} of {} = {}\n", r.covered, r.intervals,
                     rate_text(r.covered, r.intervals));
  if (r.without_verdict > 0)
    out += fmt::format("NO VERDICT  in {} comparisons: too few pairs, or a side failed\n",
                       r.without_verdict);
  if (report.regrouped) {
    const auto& g = report.regrouping;
    out += fmt::format(
        "REGROUPED   false verdicts {:.1f} % in {} random groups of the stored pairs, labels "
        "flipped\n",
        g.comparisons > 0 ? 100.0 * g.false_verdicts / g.comparisons : 0, g.comparisons);
  }
  if (r.comparisons > 0) {
    out += fmt::format(
        "\nVERDICT     {}: {} false verdicts of {}; from {} on the verdicts of this machine would "
        "not deserve trust\n",
        r.alarm() ? "ALARM" : "no alarm", r.false_verdicts, r.comparisons, r.alarm_from);
  }
  if (report.duration_s > 0)
    out += fmt::format("TIME        {}, target {:.3g} %, {} run{}\n",
                       format_duration(report.duration_s), 100 * report.target,
                       report.journals.size(), report.journals.size() == 1 ? "" : "s");
  return out;
}

Json to_json(const SelfcheckReport& report) {
  const auto& r = report.result;
  Json injections = Json::array(), groups = Json::array();
  for (const auto& i : r.injected) {
    Json json = {{"change", i.change},   {"trials", i.trials},
                 {"found", i.found},     {"wrong", i.wrong},
                 {"covered", i.covered}, {"measured", std::expm1(i.mean_measured)}};
    json.update(range_json(i.found, i.trials));
    injections.push_back(json);
  }
  for (const auto& g : r.groups) {
    groups.push_back({{"group", g.name},
                      {"comparisons", g.comparisons},
                      {"false_verdicts", g.false_verdicts},
                      {"sd_log", g.sd_log},
                      {"pair_s", g.seconds_a_pair > 0 ? Json(g.seconds_a_pair) : Json(nullptr)},
                      {"half_width_6_pairs", g.width_6},
                      {"half_width_10_pairs", g.width_10},
                      {"half_width_20_pairs", g.width_20},
                      {"half_width_60_s", to_json_or_null(g.width_60_s)}});
  }
  Json coverage = {{"intervals", r.intervals}, {"covered", r.covered}};
  coverage.update(range_json(r.covered, r.intervals));
  Json json = {{"schema", "mlbench.selfcheck/1"},
               {"null", null_json(r)},
               {"injected", injections.empty() ? Json(nullptr) : injections[0]},
               {"injections", injections},
               {"coverage", coverage},
               {"groups", groups},
               {"regrouped", report.regrouped ? null_json(report.regrouping) : Json(nullptr)},
               {"target", report.target},
               {"duration_s", report.duration_s},
               {"journals", report.journals},
               {"alarm", r.alarm()}};
  return json;
}

}  // namespace mlbench::report
