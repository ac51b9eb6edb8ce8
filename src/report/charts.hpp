#pragma once

#include "report/model.hpp"

#include <string>
#include <vector>

/// The charts of a run as Vega-Lite specifications: the page draws them, and the same ones become
/// pictures. Colours are CSS variables of the page ("var(--torch)").
namespace mlbench::report {

struct ChartColumn {
  std::string field, title;
};

struct Chart {
  std::string id;     ///< "versus", "roofline": the anchor in the page and the picture's name.
  std::string title;  ///< "Who is faster"
  std::string about;  ///< How to read it and how it was measured: a few sentences.
  Json spec;
  Json rows = Json::array();  ///< What is drawn, for the table behind the chart.
  std::vector<ChartColumn> columns;
};

/// Those that the run has data for, in the order in which they are shown.
[[nodiscard]] std::vector<Chart> charts_of(const Report& report);

/// Charts of one case's samples, whose data the page fills in: rows of docs/page.md, "samples".
[[nodiscard]] Json distribution_spec(const Report& report);
[[nodiscard]] Json drift_spec(const Report& report);

}  // namespace mlbench::report
