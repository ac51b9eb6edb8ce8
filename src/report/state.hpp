#pragma once

#include "report/model.hpp"

#include <string>
#include <vector>

/// What the machine did while each case was measured, in words: beside every number, for whoever
/// wonders why it is what it is.
namespace mlbench::report {

struct StateLine {
  std::string case_id, label;
  std::vector<std::string> cells;  ///< In the order of the columns; empty where not known.
};

struct StateTable {
  std::vector<std::string> columns;  ///< "others", "steal", "CPU": what this machine tells.
  std::vector<StateLine> lines;      ///< Cases that were measured.
  std::vector<Fact> alike;           ///< What was the same beside all of them, so has no column.
};

/// Of what no case knows there is nothing. Empty where nothing is known.
[[nodiscard]] StateTable state_of(const Report& report);

/// "others 2.3 %, power mains"; empty where nothing is alike.
[[nodiscard]] std::string alike_words(const StateTable& table);

}  // namespace mlbench::report
