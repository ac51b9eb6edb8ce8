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

std::string sample_text(double sample_s) {
  return sample_s > 0 ? format_time(sample_s) : "-";
}

void add_group(Table& table, const compare::SelfcheckGroup& g) {
  table.add({g.name, sample_text(g.sample_s), std::to_string(g.comparisons),
             std::to_string(g.false_verdicts), fmt::format("{:.1f} %", 100 * g.sd_log),
             g.seconds_a_pair > 0 ? fmt::format("{:.2f}", g.seconds_a_pair) : "-",
             width_text(g.width_6), width_text(g.width_10), width_text(g.width_20),
             g.width_60_s ? width_text(*g.width_60_s) : "-",
             rate_text(g.false_verdicts, g.comparisons)});
}

std::string nulls_text(const SelfcheckResult& r) {
  Table table;
  table.add({"A AGAINST A", "a sample", "comparisons", "false verdicts", "sd of a pair", "s a pair",
             "6 pairs", "10 pairs", "20 pairs", "in 60 s", "rate (95 % range)"});
  for (const auto& g : r.groups) add_group(table, g);
  for (const auto& g : r.totals) add_group(table, g);
  table.add({"all", "", std::to_string(r.comparisons), std::to_string(r.false_verdicts), "", "", "",
             "", "", "", rate_text(r.false_verdicts, r.comparisons)});
  return table.text() + "(6, 10, 20 pairs, in 60 s: half-width of the 95 % range to expect)\n\n";
}

void add_power(Table& table, const compare::Power& p, bool with_sample = true) {
  table.add({p.name, with_sample ? sample_text(p.sample_s) : "", std::to_string(p.trials),
             std::to_string(p.found), std::to_string(p.wrong),
             fmt::format("{:+.2f} %", 100 * std::expm1(p.mean_measured)),
             p.seconds > 0 ? fmt::format("{:.1f}", p.seconds) : "-", rate_text(p.found, p.trials)});
}

std::string injected_text(const compare::InjectedResult& i) {
  Table table;
  table.add({fmt::format("{:.3g} % MORE WORK", 100 * i.change), "a sample", "trials", "found",
             "wrong sign", "measured", "s a trial", "found (95 % range)"});
  for (const auto& p : i.groups) add_power(table, p);
  for (const auto& p : i.totals) add_power(table, p);
  if (i.groups.size() > 1) add_power(table, i.all, false);
  return table.text() + "\n";
}

Json range_json(int k, int n) {
  const auto r = stats::wilson_interval(k, n);
  return {{"rate", r ? Json(r->rate) : Json(nullptr)},
          {"low", r ? Json(r->low) : Json(nullptr)},
          {"high", r ? Json(r->high) : Json(nullptr)}};
}

Json json_of(const compare::Power& p) {
  Json json = {{"trials", p.trials},
               {"found", p.found},
               {"wrong", p.wrong},
               {"covered", p.covered},
               {"measured", std::expm1(p.mean_measured)},
               {"trial_s", p.seconds > 0 ? Json(p.seconds) : Json(nullptr)}};
  json.update(range_json(p.found, p.trials));
  return json;
}

Json json_of(const std::vector<compare::Power>& powers) {
  Json list = Json::array();
  for (const auto& p : powers) {
    Json json = {{"group", p.name},
                 {"sample_s", p.sample_s > 0 ? Json(p.sample_s) : Json(nullptr)}};
    json.update(json_of(p));
    list.push_back(json);
  }
  return list;
}

Json json_of(const compare::InjectedResult& i) {
  Json json = {{"change", i.change}};
  json.update(json_of(i.all));
  json["groups"] = json_of(i.groups);
  json["totals"] = json_of(i.totals);
  return json;
}

Json json_of(const std::vector<compare::SelfcheckGroup>& groups) {
  Json list = Json::array();
  for (const auto& g : groups) {
    list.push_back({{"group", g.name},
                    {"comparisons", g.comparisons},
                    {"false_verdicts", g.false_verdicts},
                    {"sample_s", g.sample_s > 0 ? Json(g.sample_s) : Json(nullptr)},
                    {"sd_log", g.sd_log},
                    {"pair_s", g.seconds_a_pair > 0 ? Json(g.seconds_a_pair) : Json(nullptr)},
                    {"half_width_6_pairs", g.width_6},
                    {"half_width_10_pairs", g.width_10},
                    {"half_width_20_pairs", g.width_20},
                    {"half_width_60_s", to_json_or_null(g.width_60_s)}});
  }
  return list;
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
  if (!report.rehearsal.empty())
    out += "REHEARSAL of " + report.rehearsal + ": the times are invented\n\n";
  if (r.comparisons > 0) out += nulls_text(r);
  for (const auto& i : r.injected) out += injected_text(i);
  out += fmt::format("INTERVALS   hold the truth in {} of {} = {}\n", r.covered, r.intervals,
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
  Json injections = Json::array();
  for (const auto& i : r.injected) injections.push_back(json_of(i));
  Json coverage = {{"intervals", r.intervals}, {"covered", r.covered}};
  coverage.update(range_json(r.covered, r.intervals));
  Json json = {{"schema", "mlbench.selfcheck/1"},
               {"null", null_json(r)},
               {"injected", injections.empty() ? Json(nullptr) : injections[0]},
               {"injections", injections},
               {"coverage", coverage},
               {"groups", json_of(r.groups)},
               {"totals", json_of(r.totals)},
               {"regrouped", report.regrouped ? null_json(report.regrouping) : Json(nullptr)},
               {"target", report.target},
               {"duration_s", report.duration_s},
               {"journals", report.journals},
               {"rehearsal", report.rehearsal.empty() ? Json(nullptr) : Json(report.rehearsal)},
               {"alarm", r.alarm()}};
  return json;
}

}  // namespace mlbench::report
