#include "report/chart_parts.hpp"

#include "report/words.hpp"

#include <algorithm>
#include <array>

namespace mlbench::report {
namespace {

std::vector<const SubjectView*> measured(const Report& report) {
  std::vector<const SubjectView*> subjects;
  for (const auto& s : report.subjects) {
    if (s.status == store::CaseStatus::ok) subjects.push_back(&s);
  }
  return subjects;
}

}  // namespace

Json chart_frame(const Json& height) {
  return {{"$schema", "https://vega.github.io/schema/vega-lite/v6.json"},
          {"width", "container"},
          {"height", height},
          {"autosize", {{"type", "fit-x"}, {"contains", "padding"}}}};
}

std::string color_of(const Report& report, const std::string& subject) {
  std::map<std::string, int> seen;
  int others = 0;
  for (const auto* s : measured(report)) {
    const bool known = s->framework == "torch" || s->framework == "mlx" || s->framework == "native";
    const int nth = known ? seen[s->framework]++ : others++;
    if (s->name != subject) continue;
    if (!known) return "var(--other" + std::to_string(nth % 3) + ")";
    return "var(--" + s->framework + (nth == 0 ? "" : "2") + ")";
  }
  return "var(--other0)";
}

Json subject_color(const Report& report) {
  Json domain = Json::array(), range = Json::array();
  for (const auto* s : measured(report)) {
    domain.push_back(s->title);
    range.push_back(color_of(report, s->name));
  }
  return {{"field", "subject"},
          {"type", "nominal"},
          {"title", nullptr},
          {"legend", {{"orient", "top"}}},
          {"scale", {{"domain", domain}, {"range", range}}}};
}

Json subject_shape(const Report& report) {
  constexpr std::array kShapes = {"circle", "square", "triangle-up", "diamond", "cross"};
  Json domain = Json::array(), range = Json::array();
  for (const auto* s : measured(report)) {
    range.push_back(kShapes[domain.size() % kShapes.size()]);
    domain.push_back(s->title);
  }
  return {{"field", "subject"},
          {"type", "nominal"},
          {"title", nullptr},
          {"legend", {{"orient", "top"}}},
          {"scale", {{"domain", domain}, {"range", range}}}};
}

Json tooltip(const std::vector<ChartColumn>& columns) {
  Json list = Json::array();
  for (const auto& c : columns)
    list.push_back({{"field", c.field}, {"type", "nominal"}, {"title", c.title}});
  return list;
}

Json quantitative(const char* field, const std::string& title, bool log) {
  return {{"field", field},
          {"type", "quantitative"},
          {"title", title},
          {"scale",
           log ? Json{{"type", "log"}, {"nice", false}, {"padding", 14}} : Json{{"zero", true}}},
          {"axis", {{"format", "~s"}, {"tickCount", log ? 5 : 6}}}};
}

std::map<std::string, std::string> axis_names(const Report& report) {
  constexpr std::size_t kMost = 48;
  std::map<std::string, int> count;
  for (const Row& row : report.rows) ++count[shortened(row.label, kMost)];
  std::map<std::string, std::string> names, taken;
  for (const Row& row : report.rows) {
    auto name = shortened(row.label, kMost);
    if (count[name] > 1) name = shortened(row.case_id, kMost);
    while (taken.contains(name)) name += " ";  // drawn the same, and yet apart
    taken[name] = row.case_id;
    names[row.case_id] = name;
  }
  return names;
}

Json row_height(std::size_t rows, int per_row) {
  return {{"step", rows > 40 ? per_row / 2 : per_row}, {"for", "position"}};
}

std::vector<Cache> caches_of(const Report& report) {
  std::vector<Cache> caches;
  const auto machine = machine_of(report);
  const auto add = [&](const char* name, const std::optional<std::int64_t>& bytes) {
    if (bytes) caches.push_back({.name = name, .bytes = static_cast<double>(*bytes)});
  };
  add("L1", machine.cpu.l1d_bytes);
  add("L2", machine.cpu.l2_bytes);
  add("L3", machine.cpu.l3_bytes);
  return caches;
}

}  // namespace mlbench::report
