#include "core/units.hpp"
#include "report/chart_parts.hpp"
#include "report/words.hpp"

#include <algorithm>
#include <cmath>

namespace mlbench::report {
namespace {

using compare::Ceiling;

/// That of the memory itself: of the largest working set, which is the last.
const Ceiling* bandwidth_of(const Report& report, const std::string& kind) {
  const auto it = std::find_if(
      report.ceilings.rbegin(), report.ceilings.rend(),
      [&](const Ceiling& c) { return c.device_kind == kind && c.resource == "bytes_per_s"; });
  return it == report.ceilings.rend() ? nullptr : &*it;
}

/// Cases with arithmetic. Copies, reads and writes have none and no place on this chart.
Json points(const Report& report) {
  Json rows = Json::array();
  for (const Row& row : report.rows) {
    // The start of an operation is bound by neither arithmetic nor memory.
    if (row.work.unit == workload::RateUnit::op_per_s) continue;
    if (!(row.work.flop > 0) || !(row.work.bytes > 0)) continue;
    for (const Entry& e : row.entries) {
      if (!e.time) continue;
      const double rate = row.work.flop / e.time->median_s;
      rows.push_back({{"case", row.case_id},
                      {"label", shortened(row.label, 48)},
                      {"subject", title_of(report, e.subject)},
                      {"intensity", row.work.flop / row.work.bytes},
                      {"rate", rate},
                      {"text", rate_words(rate, workload::RateUnit::flop_per_s)},
                      {"per_byte", format_significant(row.work.flop / row.work.bytes, 3)},
                      {"share", e.ceiling_fraction ? share_words(e) + " %" : "not known"}});
    }
  }
  return rows;
}

/// min(peak, bandwidth x intensity) of each dtype and kind of device, from `left` to `right`; the
/// flat part alone where the run has no bandwidth.
Json roofs(const Report& report, double left, double right) {
  Json rows = Json::array();
  for (const Ceiling& c : report.ceilings) {
    const auto* bandwidth = bandwidth_of(report, c.device_kind);
    if (c.resource == "bytes_per_s") continue;
    const std::string name = c.resource + ", " + c.device_kind;
    std::string text = rate_words(c.rate, workload::RateUnit::flop_per_s) + " by " +
                       title_of(report, c.subject) + " in " + c.name + "; memory ";
    if (bandwidth == nullptr) {
      text += "not measured";
      for (const double x : {left, right})
        rows.push_back({{"roof", name}, {"intensity", x}, {"rate", c.rate}, {"text", text}});
      continue;
    }
    text += format_bandwidth(bandwidth->rate);
    const double ridge = c.rate / bandwidth->rate;
    const double from = std::min(left, ridge / 4), to = std::max(right, ridge * 4);
    for (const double x : {from, ridge, to}) {
      rows.push_back({{"roof", name},
                      {"intensity", x},
                      {"rate", std::min(c.rate, bandwidth->rate * x)},
                      {"text", text}});
    }
  }
  return rows;
}

}  // namespace

std::optional<Chart> roofline_chart(const Report& report) {
  Chart chart{
      .id = "roofline",
      .title = "Roofline",
      .about =
          "What bounds a case: left of a roof's bend the memory, right of it the "
          "arithmetic. The roofs are the best that this run measured on this machine, one a "
          "dtype. A mark on its roof leaves nothing to gain; small cases lie below it. A "
          "case that fits into a cache may lie above the slope. Copies, reads and writes "
          "have no arithmetic and stand under memory bandwidth.",
      .spec = {},
      .rows = points(report),
      .columns = {{"label", "case"},
                  {"subject", "framework"},
                  {"per_byte", "FLOP a byte"},
                  {"text", "rate"},
                  {"share", "of the roof"}}};
  if (chart.rows.empty()) return std::nullopt;
  if (std::none_of(report.ceilings.begin(), report.ceilings.end(),
                   [](const Ceiling& c) { return c.resource == "bytes_per_s"; }))
    chart.about += " This run has no memory case, so the slope is missing.";
  double left = 1e300, right = 0;
  for (const Json& r : chart.rows) {
    left = std::min(left, r["intensity"].get<double>());
    right = std::max(right, r["intensity"].get<double>());
  }
  const auto lines = roofs(report, left / 2, right * 2);
  Json x = quantitative("intensity", "FLOP a byte of memory traffic", true);
  const Json y = quantitative("rate", "FLOP/s", true);
  x["axis"]["format"] = "~r";
  Json spec = chart_frame(360);
  spec["encoding"] = {{"x", x}, {"y", y}};
  spec["layer"] = Json::array();
  if (!lines.empty()) {
    spec["layer"].push_back(
        {{"data", {{"values", lines}}},
         {"mark", {{"type", "line"}, {"color", "var(--muted)"}, {"strokeWidth", 1.5}}},
         {"encoding",
          {{"strokeDash",
            {{"field", "roof"},
             {"type", "nominal"},
             {"title", nullptr},
             {"legend", {{"orient", "top"}}}}},
           {"tooltip", tooltip({{"roof", "roof"}, {"text", "set by"}})}}}});
  }
  spec["layer"].push_back(
      {{"data", {{"values", chart.rows}}},
       {"mark", {{"type", "point"}, {"filled", true}, {"size", 80}, {"opacity", 0.9}}},
       {"encoding",
        {{"color", subject_color(report)},
         {"shape", subject_shape(report)},
         {"tooltip", tooltip(chart.columns)}}}});
  chart.spec = std::move(spec);
  return chart;
}

}  // namespace mlbench::report
