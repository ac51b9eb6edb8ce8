#pragma once

#include "report/model.hpp"
#include "store/journal.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

/// The recorded run that the report's tests share, and the golden files.
namespace mlbench::report {

namespace fs = std::filesystem;

inline const fs::path kData = MLBENCH_TEST_DATA;
inline const fs::path kGolden = kData.parent_path() / "golden";

inline store::RunData stored_run() {
  auto run = store::load_journal(kData / "journals" / "v1-m5-interrupted.jsonl");
  REQUIRE_MESSAGE(run, (run ? "" : run.error().message));
  return *std::move(run);
}

inline Report stored_report() {
  return build_report(stored_run(), "results/raw/v1-m5-interrupted.jsonl");
}

inline std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(text).str();
}

/// The golden file `name`; with MLBENCH_UPDATE_GOLDEN=1 it is made anew from `actual`, to be read
/// before it is committed.
inline std::string golden(const std::string& name, const std::string& actual) {
  const char* update = std::getenv("MLBENCH_UPDATE_GOLDEN");
  if (update != nullptr && std::string(update) == "1")
    std::ofstream(kGolden / name, std::ios::binary) << actual;
  return read_file(kGolden / name);
}

inline void check_golden(const std::string& name, const std::string& actual) {
  CAPTURE(name);
  CHECK(actual == golden(name, actual));
}

/// Numbers rounded to twelve digits, since exp() and log() differ in the last between systems.
inline Json rounded_numbers(const Json& json) {
  if (json.is_number_float()) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.12g", json.get<double>());
    return Json::parse(text.data());
  }
  if (!json.is_structured()) return json;
  Json copy = json;
  for (auto& element : copy) element = rounded_numbers(element);
  return copy;
}

}  // namespace mlbench::report
