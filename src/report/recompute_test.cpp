// Journals are for ever: each kept one loads, and gives the verdicts that were written into it when
// it was measured, to the last bit.

#include "report/model.hpp"
#include "store/journal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace mlbench;
namespace fs = std::filesystem;

namespace {

const fs::path kData = MLBENCH_TEST_DATA;
const fs::path kJournals = kData / "journals";

struct Kept {
  const char* name;      ///< Below tests/data.
  std::size_t verdicts;  ///< Lines of type "verdict".
};
/// One of each released schema and method at least. Add to it, and never take from it.
constexpr Kept kKept[] = {
    {"journals/v1-m5-interrupted.jsonl", 0},  // cut off before its verdicts
    {"journals/v1-epyc-quick.jsonl", 24},     // method 1, measured
    {"journals/v3-xeon-controls.jsonl", 6},   // method 3, measured, with controls
    {"llm-synthetic-32M.jsonl", 8},           // method 4, measured, a model
};

std::vector<Json> verdict_lines(const fs::path& path) {
  std::vector<Json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    auto json = parse_json(line);
    if (json && find_string(*json, "type") == "verdict") lines.push_back(*std::move(json));
  }
  return lines;
}

/// What makes a verdict the same; how it is worded may become better.
Json essence(const Json& verdict) {
  Json kept;
  for (const char* key : {"case", "a", "b", "ratio", "low", "high", "pairs", "verdict", "flags"})
    kept[key] = verdict.contains(key) ? verdict[key] : Json(nullptr);
  return kept;
}

}  // namespace

TEST_CASE("every kept journal loads and gives its stored verdicts again, bit for bit") {
  for (const Kept& kept : kKept) {
    CAPTURE(kept.name);
    const auto run = store::load_journal(kData / kept.name);
    REQUIRE_MESSAGE(run, (run ? "" : run.error().message));
    const auto document = report::to_json(report::build_report(*run, kept.name));
    const auto stored = verdict_lines(kData / kept.name);
    CHECK(stored.size() == kept.verdicts);
    for (const Json& line : stored) {
      const auto wanted = essence(line);
      CAPTURE(wanted.dump());
      const auto& now = document["verdicts"];
      CHECK(
          std::any_of(now.begin(), now.end(), [&](const Json& v) { return essence(v) == wanted; }));
    }
  }
}

TEST_CASE("the controls of a kept run come out as they did when it was measured, bit for bit") {
  const auto run = store::load_journal(kJournals / "v3-xeon-controls.jsonl");
  REQUIRE_MESSAGE(run, (run ? "" : run.error().message));
  const auto document = report::to_json(report::build_report(*run, "v3-xeon-controls.jsonl"));
  std::ostringstream text;
  text << std::ifstream(kJournals / "v3-xeon-controls.expected.json").rdbuf();
  const auto expected = parse_json(text.str());
  REQUIRE(expected);
  REQUIRE(expected->size() == 4);
  const auto& controls = document["controls"]["all"];
  REQUIRE(controls.size() == expected->size());
  for (std::size_t i = 0; i < controls.size(); ++i) {
    for (const auto& [key, value] : (*expected)[i].items()) {
      const std::string field = key;
      CAPTURE(field);
      CHECK(controls[i][field] == value);
    }
  }
}

TEST_CASE("every journal in tests/data is in the list of those that are kept") {
  std::set<std::string> listed, present;
  for (const Kept& kept : kKept) listed.insert(kept.name);
  for (const auto& folder : {kData, kJournals}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".jsonl")
        present.insert(fs::relative(entry.path(), kData).generic_string());
    }
  }
  CHECK(listed == present);
}
