#include "report/charts.hpp"

#include "core/units.hpp"
#include "report/chart_parts.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace mlbench::report {
namespace {

using workload::RateUnit;

/// Ticks of a ratio axis: 1 and times around it, as close as the range deserves.
Json ratio_ticks(double low, double high) {
  constexpr std::array kNear = {1.01, 1.02, 1.05, 1.1, 1.2};
  constexpr std::array kMiddle = {1.2, 1.5, 2.0, 3.0, 5.0};
  constexpr std::array kFar = {2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0, 10000.0};
  const double reach = std::max(high, 1 / low);
  std::vector<double> ticks = {1};
  const auto add = [&](double t) {
    if (t <= high) ticks.push_back(t);
    if (1 / t >= low) ticks.push_back(1 / t);
  };
  if (reach < 1.25) {
    for (const double t : kNear) add(t);
  } else if (reach < 5) {
    for (const double t : kMiddle) add(t);
  } else {
    for (const double t : kFar) add(t);
  }
  std::sort(ticks.begin(), ticks.end());
  return ticks;
}

constexpr const char* kWithheldAbout =
    "A control of this run failed, so nobody is called faster: these are the ratios that were "
    "measured, with their 95 % ranges, and no verdicts.";

Json versus_row(const Report& report, const Row& row, const compare::CaseVerdict& v,
                const std::string& name) {
  using stats::Verdict;
  const auto verdict = v.judgement.verdict;
  const std::string winner = verdict == Verdict::faster   ? title_of(report, v.a)
                             : verdict == Verdict::slower ? title_of(report, v.b)
                                                          : "no winner";
  return {{"case", row.case_id},
          {"label", name},
          {"winner", winner},
          {"ratio", v.interval->ratio},
          {"low", v.interval->low},
          {"high", v.interval->high},
          {"pairs", v.pair_log_ratios.size()},
          {"text", verdict_words(report, row, v)}};
}

Json versus_color(const Report& report, const compare::CaseVerdict& v) {
  return {{"field", "winner"},
          {"type", "nominal"},
          {"title", nullptr},
          {"legend", {{"orient", "top"}}},
          {"scale",
           {{"domain", {title_of(report, v.a), title_of(report, v.b), "no winner"}},
            {"range", {color_of(report, v.a), color_of(report, v.b), "var(--even)"}}}}};
}

Json share_rows(const Report& report) {
  Json rows = Json::array();
  const auto names = axis_names(report);
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (!e.ceiling_fraction) continue;
      rows.push_back({{"case", row.case_id},
                      {"label", names.at(row.case_id)},
                      {"subject", title_of(report, e.subject)},
                      {"percent", 100 * *e.ceiling_fraction},
                      {"share", share_words(e) + " %"},
                      {"rate", e.rate ? rate_words(e.rate->value, e.rate->unit) : ""}});
    }
  }
  return rows;
}

Json rate_rows(const Report& report, bool is_memory, RateUnit unit, const Scale& scale) {
  Json rows = Json::array();
  const auto names = axis_names(report);
  for (const Row& row : report.rows) {
    if ((row.workload == "memory") != is_memory || row.work.unit != unit) continue;
    for (const Entry& e : row.entries) {
      if (!e.rate) continue;
      rows.push_back({{"case", row.case_id},
                      {"label", names.at(row.case_id)},
                      {"subject", title_of(report, e.subject)},
                      {"rate", e.rate->value / scale.factor},
                      {"low", e.rate->low.value_or(e.rate->value) / scale.factor},
                      {"high", e.rate->high.value_or(e.rate->value) / scale.factor},
                      {"text", cell_words(e, scale)}});
    }
  }
  return rows;
}

double largest_rate(const Report& report, bool is_memory, RateUnit unit) {
  double largest = 0;
  for (const Row& row : report.rows) {
    if ((row.workload == "memory") != is_memory || row.work.unit != unit) continue;
    for (const Entry& e : row.entries) {
      if (e.rate) largest = std::max(largest, e.rate->value);
    }
  }
  return largest;
}

std::size_t count_cases(const Json& rows) {
  std::vector<std::string> labels;
  for (const Json& r : rows) labels.push_back(r["label"].get<std::string>());
  std::sort(labels.begin(), labels.end());
  return static_cast<std::size_t>(std::unique(labels.begin(), labels.end()) - labels.begin());
}

Json case_axis() {
  return {{"field", "label"},
          {"type", "nominal"},
          {"sort", nullptr},
          {"title", nullptr},
          {"axis", {{"labelLimit", 260}, {"grid", false}, {"ticks", false}}}};
}

Chart rate_chart(const Report& report, const char* id, const char* title, bool is_memory,
                 RateUnit unit) {
  const auto scale = scale_for(largest_rate(report, is_memory, unit), unit);
  Chart chart{.id = std::string("rates-") + id,
              .title = std::string(title) + ", " + scale.name,
              .about =
                  "Each mark is the median over the run's processes; the line through it is "
                  "the 95 % range of that median. Further right is faster.",
              .spec = {},
              .rows = rate_rows(report, is_memory, unit, scale),
              .columns = {{"label", "case"},
                          {"subject", "framework"},
                          {"text", scale.name + " (half the 95 % range)"}}};
  double low = 1e300, high = 0;
  for (const Json& r : chart.rows) {
    low = std::min(low, r["rate"].get<double>());
    high = std::max(high, r["rate"].get<double>());
  }
  const bool log = high > 20 * low;
  if (log) chart.about += " The scale is logarithmic.";
  const Json offset = {{"field", "subject"}, {"type", "nominal"}, {"sort", nullptr}};
  auto color = subject_color(report);
  Json x = quantitative("rate", scale.name, log);
  x["axis"]["format"] = "~r";
  Json range = x;
  range["field"] = "low";
  Json spec = chart_frame(row_height(count_cases(chart.rows), 34));
  spec["data"] = {{"values", chart.rows}};
  spec["encoding"] = {{"y", case_axis()},
                      {"yOffset", offset},
                      {"color", color},
                      {"tooltip", tooltip(chart.columns)}};
  spec["layer"] = Json::array();
  if (!log) {
    spec["layer"].push_back(
        {{"mark", {{"type", "bar"}, {"opacity", 0.35}, {"height", {{"band", 0.8}}}}},
         {"encoding", {{"x", x}}}});
  }
  spec["layer"].push_back({{"mark", {{"type", "rule"}, {"strokeWidth", 2}}},
                           {"encoding", {{"x", range}, {"x2", {{"field", "high"}}}}}});
  spec["layer"].push_back(
      {{"mark", {{"type", "point"}, {"filled", true}, {"size", 60}, {"opacity", 1}}},
       {"encoding", {{"x", x}, {"shape", subject_shape(report)}}}});
  chart.spec = std::move(spec);
  return chart;
}

}  // namespace

std::optional<Chart> versus_chart(const Report& report) {
  Chart chart{
      .id = "versus",
      .title = "Who is faster",
      .about =
          "How many times faster, from process pairs measured next to each other. The "
          "line is the 95 % range: where it crosses 1x, no difference is shown.",
      .spec = {},
      .rows = Json::array(),
      .columns = {{"label", "case"}, {"text", "faster (95 % range)"}, {"pairs", "process pairs"}}};
  const auto names = axis_names(report);
  const compare::CaseVerdict* first = nullptr;
  double low = 1 / 1.1, high = 1.1;
  for (const Row& row : report.rows) {
    const auto* v = main_verdict(report, row);
    if (v == nullptr || !v->interval) continue;
    if (first == nullptr) first = v;
    if (v->withheld) chart.about = kWithheldAbout;
    chart.rows.push_back(versus_row(report, row, *v, names.at(row.case_id)));
    low = std::min(low, v->interval->low);
    high = std::max(high, v->interval->high);
  }
  if (first == nullptr) return std::nullopt;
  chart.title = title_of(report, first->a) + " against " + title_of(report, first->b);
  const Json x = {
      {"field", "ratio"},
      {"type", "quantitative"},
      {"title",
       "← " + title_of(report, first->b) + " faster · " + title_of(report, first->a) + " faster →"},
      {"scale", {{"type", "log"}, {"domain", {low / 1.02, high * 1.02}}, {"nice", false}}},
      {"axis",
       {{"values", ratio_ticks(low, high)},
        {"labelExpr", "format(datum.value >= 1 ? datum.value : 1 / datum.value, '.3~r') + '×'"}}}};
  Json range = x;
  range["field"] = "low";
  Json spec = chart_frame(row_height(chart.rows.size(), 26));
  spec["data"] = {{"values", chart.rows}};
  spec["encoding"] = {{"y", case_axis()}, {"tooltip", tooltip(chart.columns)}};
  spec["layer"] = {
      {{"mark", {{"type", "bar"}, {"height", {{"band", 0.6}}}}},
       {"encoding", {{"x", x}, {"x2", {{"datum", 1}}}, {"color", versus_color(report, *first)}}}},
      {{"mark", {{"type", "rule"}, {"strokeWidth", 2}, {"color", "var(--ink)"}}},
       {"encoding", {{"x", range}, {"x2", {{"field", "high"}}}}}},
      {{"data", {{"values", {{{"one", 1}}}}}},
       {"mark", {{"type", "rule"}, {"color", "var(--ink)"}, {"strokeDash", {2, 3}}}},
       {"encoding",
        {{"x", {{"field", "one"}, {"type", "quantitative"}}},
         {"y", nullptr},
         {"tooltip", nullptr}}}}};
  chart.spec = std::move(spec);
  return chart;
}

std::vector<Chart> rate_charts(const Report& report) {
  struct Group {
    const char *id, *title;
    bool is_memory;
    RateUnit unit;
  };
  constexpr std::array kGroups = {Group{"compute", "Compute", false, RateUnit::flop_per_s},
                                  Group{"operations", "Operations", false, RateUnit::bytes_per_s},
                                  Group{"overhead", "Overhead", false, RateUnit::op_per_s},
                                  Group{"models", "Language models", false, RateUnit::tokens_per_s},
                                  Group{"memory", "Memory bandwidth", true, RateUnit::bytes_per_s}};
  std::vector<Chart> charts;
  for (const Group& g : kGroups) {
    if (largest_rate(report, g.is_memory, g.unit) > 0)
      charts.push_back(rate_chart(report, g.id, g.title, g.is_memory, g.unit));
  }
  return charts;
}

std::optional<Chart> share_chart(const Report& report) {
  Chart chart{.id = "ceiling",
              .title = "Share of this machine's own best",
              .about =
                  "100 % is the best that this run saw this machine do with that kind of work: "
                  "FLOP/s of matrix products of the same dtype, or bytes/s of memory, "
                  "whichever binds the case. It is measured, not taken from a data sheet.",
              .spec = {},
              .rows = share_rows(report),
              .columns = {{"label", "case"},
                          {"subject", "framework"},
                          {"share", "of the best here"},
                          {"rate", "rate"}}};
  if (chart.rows.empty()) return std::nullopt;
  Json spec = chart_frame(row_height(count_cases(chart.rows), 24));
  spec["data"] = {{"values", chart.rows}};
  spec["mark"] = {{"type", "point"}, {"filled", true}, {"size", 80}, {"opacity", 0.9}};
  Json x = quantitative("percent", "% of the best here", false);
  x["axis"] = {{"format", "d"}, {"tickCount", 6}};
  spec["encoding"] = {{"x", x},
                      {"y", case_axis()},
                      {"color", subject_color(report)},
                      {"shape", subject_shape(report)},
                      {"tooltip", tooltip(chart.columns)}};
  spec["encoding"]["y"]["axis"]["grid"] = true;
  chart.spec = std::move(spec);
  return chart;
}

/// 1.015 as "+1.5%".
constexpr const char* kShare = "format(datum.value - 1, '+.1~%')";

Json distribution_spec(const Report& report) {
  Json spec = chart_frame(150);
  spec["data"] = {{"name", "bins"}};
  spec["mark"] = {{"type", "rect"}, {"opacity", 0.45}};
  spec["encoding"] = {
      {"x",
       {{"field", "low"},
        {"type", "quantitative"},
        {"title", "against the median"},
        {"scale", {{"type", "log"}, {"nice", false}}},
        {"axis", {{"labelExpr", kShare}, {"tickCount", 6}}}}},
      {"x2", {{"field", "high"}}},
      {"y", {{"field", "share"}, {"type", "quantitative"}, {"title", "% of samples"}}},
      {"y2", {{"datum", 0}}},
      {"color", subject_color(report)},
      {"tooltip", tooltip({{"subject", "framework"}, {"text", "samples"}})}};
  return spec;
}

Json drift_spec(const Report& report) {
  Json spec = chart_frame(180);
  spec["data"] = {{"name", "points"}};
  const Json x = {{"field", "minutes"},
                  {"type", "quantitative"},
                  {"title", "minutes since the run's first block"},
                  {"scale", {{"zero", false}}},
                  {"axis", {{"tickCount", 6}}}};
  const auto y = [](const char* field) {
    return Json{{"field", field},
                {"type", "quantitative"},
                {"title", "against the median"},
                {"scale", {{"zero", false}}},
                {"axis", {{"labelExpr", kShare}, {"tickCount", 5}}}};
  };
  spec["encoding"] = {
      {"x", x},
      {"color", subject_color(report)},
      {"tooltip",
       tooltip({{"subject", "framework"}, {"round", "round"}, {"text", "median (quartiles)"}})}};
  spec["layer"] = {{{"mark", {{"type", "rule"}, {"opacity", 0.5}}},
                    {"encoding", {{"y", y("low")}, {"y2", {{"field", "high"}}}}}},
                   {{"mark", {{"type", "point"}, {"filled", true}, {"size", 22}, {"opacity", 0.9}}},
                    {"encoding", {{"y", y("median")}, {"shape", subject_shape(report)}}}}};
  return spec;
}

std::vector<Chart> charts_of(const Report& report) {
  std::vector<Chart> charts;
  const auto add = [&](std::optional<Chart> chart) {
    if (chart) charts.push_back(*std::move(chart));
  };
  add(versus_chart(report));
  for (auto& chart : rate_charts(report)) charts.push_back(std::move(chart));
  add(roofline_chart(report));
  add(share_chart(report));
  for (auto& chart : scaling_charts(report)) charts.push_back(std::move(chart));
  add(bandwidth_chart(report));
  return charts;
}

}  // namespace mlbench::report
