#pragma once

#include "report/charts.hpp"

#include <map>
#include <string>
#include <vector>

/// What several charts share.
namespace mlbench::report {

/// A specification's frame: schema, no data, as wide as its place, `height` given.
[[nodiscard]] Json chart_frame(const Json& height);

/// Colour and shape by subject: the same in every chart, readable without colour.
[[nodiscard]] Json subject_color(const Report& report);
[[nodiscard]] Json subject_shape(const Report& report);

/// "var(--torch)": the page's colour of a subject.
[[nodiscard]] std::string color_of(const Report& report, const std::string& subject);

[[nodiscard]] Json tooltip(const std::vector<ChartColumn>& columns);
[[nodiscard]] Json quantitative(const char* field, const std::string& title, bool log);

/// The names of cases on an axis: labels, cut where they are very long, made unique where two cases
/// have the same.
[[nodiscard]] std::map<std::string, std::string> axis_names(const Report& report);

/// Height for `rows` cases below each other.
[[nodiscard]] Json row_height(std::size_t rows, int per_row);

/// "cpu", "l3_bytes" ... sizes of the machine's caches, by the name that people use.
struct Cache {
  std::string name;
  double bytes = 0;
};
[[nodiscard]] std::vector<Cache> caches_of(const Report& report);

[[nodiscard]] std::optional<Chart> versus_chart(const Report& report);
[[nodiscard]] std::vector<Chart> rate_charts(const Report& report);
[[nodiscard]] std::optional<Chart> share_chart(const Report& report);
[[nodiscard]] std::optional<Chart> roofline_chart(const Report& report);
[[nodiscard]] std::vector<Chart> scaling_charts(const Report& report);
[[nodiscard]] std::optional<Chart> bandwidth_chart(const Report& report);

}  // namespace mlbench::report
