#pragma once

#include "core/json.hpp"
#include "core/text.hpp"
#include "fit/fit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

/// What the tests of this module share.
namespace mlbench::fit {

inline std::string test_path(const std::string& name) {
  return std::string(MLBENCH_TEST_DATA) + "/fit/" + name;
}

inline std::string test_text(const std::string& name) {
  std::ifstream file(test_path(name));
  REQUIRE_MESSAGE(file.good(), "missing test data: " << name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline Json test_json(const std::string& name) {
  const auto json = parse_json(test_text(name));
  REQUIRE(json.has_value());
  return *json;
}

/// Rows of a CSV file as maps from column name.
inline std::vector<std::map<std::string, std::string>> csv_rows(const std::string& text) {
  std::vector<std::map<std::string, std::string>> rows;
  std::vector<std::string_view> names;
  for (const auto line : lines_of(text)) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto cells = split(line, ',');
    if (names.empty()) {
      names = cells;
      continue;
    }
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < std::min(names.size(), cells.size()); ++i) {
      row[std::string(names[i])] = std::string(cells[i]);
    }
  }
  return rows;
}

inline Result<Answer> ask(const Request& request) {
  const auto question = resolve(request, {}, {});
  if (!question) return question.error();
  return answer(*question, request);
}

inline Answer must_ask(const Request& request) {
  auto a = ask(request);
  REQUIRE_MESSAGE(a.has_value(), (a ? "" : a.error().message));
  return *a;
}

inline double quantile_of(std::vector<double> values, double p) {
  REQUIRE(!values.empty());
  std::sort(values.begin(), values.end());
  const double at = static_cast<double>(values.size() - 1) * p;
  const auto low = static_cast<std::size_t>(at);
  const auto high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
}

}  // namespace mlbench::fit
