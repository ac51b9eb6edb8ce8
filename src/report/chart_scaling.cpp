#include "core/units.hpp"
#include "report/chart_parts.hpp"
#include "report/words.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace mlbench::report {
namespace {

using workload::RateUnit;

/// Where a case stands on an axis of sizes, and with which others it forms a line.
struct Place {
  std::string family;  ///< Equal for cases that differ in size only.
  std::string axis;    ///< "n of n x n matrices", "sequence length".
  double size = 0;
};

/// ", cold" and ", independent" of a case's variant, as its label ends; empty for the usual one.
std::string variant_of(const Row& row) {
  std::string words;
  for (const char* name : {"cold", "independent"}) {
    if (row.case_id.find(std::string("/") + name) != std::string::npos)
      words += std::string(", ") + name;
  }
  return words;
}

/// Squares have one size; elsewhere the first parameter that is a length is the size, and the rest
/// tells families apart.
std::optional<Place> place_of(const Row& row) {
  const Json& p = row.params;
  if (!p.is_object()) return std::nullopt;
  const auto m = find_number(p, "m"), n = find_number(p, "n"), k = find_number(p, "k");
  if (m && n && k) {
    if (*m != *n || *n != *k) return std::nullopt;
    return Place{.family = row.workload + variant_of(row),
                 .axis = "n, of products of n × n matrices",
                 .size = *n};
  }
  constexpr std::array kLengths = {"length",   "sequence", "seq",  "tokens",
                                   "elements", "size",     "bytes"};
  for (const char* key : kLengths) {
    const auto size = find_number(p, key);
    if (!size || row.workload == "memory") continue;
    Json rest = p;
    rest.erase(key);
    const std::string name = key == std::string("seq") ? "sequence length" : key;
    return Place{
        .family = row.workload + rest.dump() + variant_of(row), .axis = name, .size = *size};
  }
  return std::nullopt;
}

struct Family {
  std::string workload, axis;
  RateUnit unit = RateUnit::flop_per_s;
  std::vector<std::pair<double, const Row*>> members;

  /// Sizes of the dtype that has most of them: one makes no line.
  [[nodiscard]] std::size_t sizes() const {
    std::map<std::string, std::set<double>> distinct;
    std::size_t most = 0;
    for (const auto& [size, row] : members) {
      distinct[row->dtype].insert(size);
      most = std::max(most, distinct[row->dtype].size());
    }
    return most;
  }
};

bool is_measured(const Row& row) {
  return std::any_of(row.entries.begin(), row.entries.end(),
                     [](const Entry& e) { return e.rate.has_value(); });
}

std::vector<std::pair<std::string, Family>> families_of(const Report& report) {
  std::vector<std::pair<std::string, Family>> families;
  for (const Row& row : report.rows) {
    const auto place = place_of(row);
    if (!place || !is_measured(row)) continue;
    auto it = std::find_if(families.begin(), families.end(),
                           [&](const auto& f) { return f.first == place->family; });
    if (it == families.end()) {
      families.push_back({place->family,
                          {.workload = row.workload + variant_of(row),
                           .axis = place->axis,
                           .unit = row.work.unit,
                           .members = {}}});
      it = families.end() - 1;
    }
    it->second.members.emplace_back(place->size, &row);
  }
  return families;
}

Json rows_of(const Report& report, const Family& family) {
  Json rows = Json::array();
  for (const auto& [size, row] : family.members) {
    for (const Entry& e : row->entries) {
      if (!e.rate) continue;
      rows.push_back(
          {{"case", row->case_id},
           {"label", shortened(row->label, 48)},
           {"subject", title_of(report, e.subject)},
           {"dtype", row->dtype},
           {"size", size},
           {"rate", e.rate->value},
           {"low", e.rate->low.value_or(e.rate->value)},
           {"high", e.rate->high.value_or(e.rate->value)},
           {"text", rate_words(e.rate->value, e.rate->unit) + " " + spread_words(*e.rate)}});
    }
  }
  return rows;
}

/// Lines with bands; `dash` tells a second property apart.
Json lines_spec(const Report& report, const Json& rows, const std::string& axis,
                const char* unit_title, const char* dash, const char* size_format,
                const std::vector<ChartColumn>& columns) {
  Json x = quantitative("size", axis, true);
  x["scale"]["base"] = 2;
  x["axis"] = {{"format", size_format}, {"tickCount", 8}};
  const Json color = subject_color(report);
  const Json detail = {{"field", dash}, {"type", "nominal"}};
  const Json stroke = {
      {"field", dash}, {"type", "nominal"}, {"title", nullptr}, {"legend", {{"orient", "top"}}}};
  Json spec = chart_frame(300);
  spec["data"] = {{"values", rows}};
  spec["encoding"] = {{"x", x}, {"color", color}, {"tooltip", tooltip(columns)}};
  spec["layer"] = {
      {{"mark", {{"type", "area"}, {"opacity", 0.18}}},
       {"encoding",
        {{"y", quantitative("low", unit_title, true)},
         {"y2", {{"field", "high"}}},
         {"detail", detail}}}},
      {{"mark", {{"type", "line"}, {"strokeWidth", 2}}},
       {"encoding", {{"y", quantitative("rate", unit_title, true)}, {"strokeDash", stroke}}}},
      {{"mark", {{"type", "point"}, {"filled", true}, {"size", 50}, {"opacity", 1}}},
       {"encoding",
        {{"y", quantitative("rate", unit_title, true)}, {"shape", subject_shape(report)}}}}};
  return spec;
}

const char* unit_title(RateUnit unit) {
  switch (unit) {
    case RateUnit::flop_per_s: return "FLOP/s";
    case RateUnit::bytes_per_s: return "bytes/s";
    case RateUnit::tokens_per_s: return "tokens/s";
    case RateUnit::op_per_s: return "operations/s";
  }
  return "";
}

}  // namespace

std::vector<Chart> scaling_charts(const Report& report) {
  std::vector<Chart> charts;
  for (const auto& [key, family] : families_of(report)) {
    if (family.sizes() < 2) continue;
    Chart chart{
        .id = "scaling-" + std::to_string(charts.size() + 1),
        .title = family.workload + " over size",
        .about =
            "The rate as the work grows; the band is the 95 % range. A rate that still "
            "climbs at the right end has not reached the machine's limit. Both scales "
            "are logarithmic.",
        .spec = {},
        .rows = rows_of(report, family),
        .columns = {
            {"label", "case"}, {"subject", "framework"}, {"dtype", "dtype"}, {"text", "rate"}}};
    chart.spec = lines_spec(report, chart.rows, family.axis, unit_title(family.unit), "dtype", "~r",
                            chart.columns);
    charts.push_back(std::move(chart));
  }
  return charts;
}

std::optional<Chart> bandwidth_chart(const Report& report) {
  Chart chart{.id = "bandwidth",
              .title = "Memory bandwidth over size",
              .about =
                  "Bytes moved a second as the working set grows. Small sets stay in a cache and "
                  "are faster; dashed uprights are this machine's caches as the system tells them.",
              .spec = {},
              .rows = Json::array(),
              .columns = {{"label", "case"}, {"subject", "framework"}, {"text", "rate"}}};
  std::set<double> sizes;
  for (const Row& row : report.rows) {
    const auto bytes = row.workload == "memory" ? find_number(row.params, "bytes") : std::nullopt;
    if (!bytes) continue;
    for (const Entry& e : row.entries) {
      if (!e.rate) continue;
      sizes.insert(*bytes);
      chart.rows.push_back(
          {{"case", row.case_id},
           {"label", shortened(row.label, 48)},
           {"subject", title_of(report, e.subject)},
           {"op", find_string(row.params, "op").value_or("") + variant_of(row)},
           {"size", *bytes},
           {"rate", e.rate->value},
           {"low", e.rate->low.value_or(e.rate->value)},
           {"high", e.rate->high.value_or(e.rate->value)},
           {"text", rate_words(e.rate->value, e.rate->unit) + " " + spread_words(*e.rate)}});
    }
  }
  if (sizes.size() < 2) return std::nullopt;
  chart.spec = lines_spec(report, chart.rows, "bytes", "bytes/s", "op", ".3~s", chart.columns);
  Json caches = Json::array();
  for (const auto& c : caches_of(report)) {
    if (c.bytes >= *sizes.begin() && c.bytes <= *sizes.rbegin())
      caches.push_back({{"size", c.bytes}, {"name", c.name + " " + format_bytes(c.bytes)}});
  }
  if (!caches.empty()) {
    chart.spec["layer"].push_back(
        {{"data", {{"values", caches}}},
         {"mark", {{"type", "rule"}, {"strokeDash", {4, 4}}, {"color", "var(--muted)"}}},
         {"encoding", {{"color", nullptr}, {"tooltip", tooltip({{"name", "cache"}})}}}});
  }
  return chart;
}

}  // namespace mlbench::report
