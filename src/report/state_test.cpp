#include "report/state.hpp"

#include "report/csv.hpp"
#include "report/details_text.hpp"
#include "report/html.hpp"
#include "report/markdown.hpp"
#include "report/stored_run_for_tests.hpp"
#include "report/text.hpp"
#include "report/words.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

using namespace mlbench;
using namespace mlbench::report;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kCases[] = {"gemm/float32/64",
                                  "attention_unfused/float32/1x32x32x128x128/and-much-more"};

/// Two cases of two frameworks; `state` is what the machine tells of each.
template <class State>
store::RunData run_with(State state) {
  store::RunData run;
  const auto add = [&](const Json& line) { REQUIRE(run.add(line)); };
  add({{"type", "run"},
       {"schema", "mlbench.journal/1"},
       {"method_version", 4},
       {"settings", {{"target", 0.03}, {"min_rounds", 6}, {"max_rounds", 30}}}});
  for (const char* subject : {"torch", "mlx"})
    add({{"type", "subject"},
         {"subject", std::string(subject) + ":cpu"},
         {"framework", subject},
         {"device", "cpu"}});
  add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "mlx:cpu"}});
  for (int c = 0; c < 2; ++c) {
    add({{"type", "case"},
         {"case", kCases[c]},
         {"workload", kCases[c]},
         {"dtype", "float32"},
         {"flop", 1e9},
         {"bytes", 1e6},
         {"unit", "flop_per_s"}});
    for (int round = 0; round < 6; ++round) {
      for (const char* subject : {"torch:cpu", "mlx:cpu"}) {
        const double t = *subject == 't' ? 1e-3 : 2e-3 * (round % 2 == 0 ? 1.01 : 0.99);
        add({{"type", "block"},
             {"round", round},
             {"row", 0},
             {"case", kCases[c]},
             {"subject", subject},
             {"involuntary_switches", *subject == 't' ? 3 : 0},
             {"samples_s", {t, t, t}}});
      }
      Json line = {{"type", "state"}, {"round", round}, {"case", kCases[c]}};
      line.update(state(c));
      add(line);
      add({{"type", "slot"},
           {"round", round},
           {"case", kCases[c]},
           {"subjects", {"torch:cpu", "mlx:cpu"}}});
    }
  }
  return run;
}

/// Everything that a machine can tell, each value another beside the second case.
Json everything(int c) {
  return {{"other_fraction", 0.02 + 0.3 * c},
          {"steal_fraction", 0.001 * c},
          {"cpu_pressure_fraction", 0.04 * (1 + c)},
          {"memory_pressure_fraction", 0.01 * c},
          {"swapped_in_bytes", 3 * 1048576 * c},
          {"cpu_throttle_count", c},
          {"load_1m", 1.5 + c},
          {"cpu_clock_hz", 2.9e9 + 1e8 * c},
          {"cpu_temperature_c", 61 + c},
          {"thermal_state", c == 0 ? "nominal" : "heavy"},
          {"power_source", c == 0 ? "ac" : "battery"},
          {"low_power_mode", c == 1},
          {"gpu_clock_hz", 1.98e9 - 1e8 * c},
          {"gpu_temperature_c", 55 + c},
          {"gpu_power_w", 350 + c},
          {"gpu_clock_reasons", c == 0 ? Json::array() : Json{"sw_power_cap"}}};
}

}  // namespace

TEST_CASE("the state has a column for what differs, and says once what is alike") {
  const auto report = build_report(run_with([](int c) {
                                     return Json{{"other_fraction", 0.023 + 0.3 * c},
                                                 {"power_source", "ac"},
                                                 {"steal_fraction", 0.0}};
                                   }),
                                   "r");
  const auto state = state_of(report);
  CHECK(state.columns == std::vector<std::string>{"others"});
  CHECK(alike_words(state) == "steal 0 %, power mains, switches/s 1000 / 0");
  REQUIRE(state.lines.size() == 2);
  CHECK(state.lines[0].cells == std::vector<std::string>{"2.3 %"});
  CHECK(state.lines[1].cells == std::vector<std::string>{"32 %"});
}

TEST_CASE("the details tell everything that a machine knows, in 80 columns") {
  const auto report = build_report(run_with(everything), "r");
  const auto text = details_text(report);
  check_golden("details.txt", text);
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) CHECK(display_width(line) <= 80);
  CHECK(contains(to_markdown(report), "State of the machine beside each case"));
  CHECK(contains(to_markdown(report), "350 W"));
  CHECK(contains(to_json(report)["cases"][0]["text"]["switches"], "1000 a second"));
}

TEST_CASE("a run whose journal tells no state has none, and no empty table") {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  const auto report = build_report(run, "r");
  CHECK(state_of(report).columns.empty());
  CHECK(state_of(report).lines.empty());
  CHECK_FALSE(contains(details_text(report), "STATE"));
  CHECK_FALSE(contains(to_markdown(report), "State of the machine"));
}

TEST_CASE("battery power is a doubt that names the case") {
  const auto report = build_report(run_with(everything), "r");
  CHECK(contains(to_text(report), ": battery, the machine ran on it (docs/warnings.md)"));
}

TEST_CASE("a verdict says what it rests on, and CSV has it from either side") {
  const auto report = build_report(run_with(everything), "r");
  const auto& v = report.rows[0].verdicts[0];
  CHECK(basis_of(v).sentence() == "6 process pairs, sd 1.1 %, ±1.3 %, settled at ±3 %");
  const auto json = to_json(report)["verdicts"][0];
  CHECK(json["stop_reason"] == "settled");
  CHECK(json["target"] == 0.03);
  CHECK(json["half_width"].get<double>() ==
        doctest::Approx(std::expm1(v.interval->half_width_log)));
  CHECK(json["reason"].is_null());
  const auto csv = to_csv(std::vector{report});
  CHECK(contains(csv, ",mlx:cpu,faster,,1.99989"));
  CHECK(contains(csv, ",torch:cpu,slower,,0.500025"));
  CHECK(contains(csv, ",0.03,settled\n"));
}

TEST_CASE("where a control failed every printer shows ratios and no verdict") {
  auto run = run_with(everything);
  const auto add = [&](const Json& line) { REQUIRE(run.add(line)); };
  add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "torch@again:cpu"}, {"control", true}});
  add({{"type", "case"},
       {"case", "control"},
       {"workload", "control"},
       {"dtype", "float32"},
       {"control", {{"subject", "torch:cpu"}, {"extra_work", 0}}}});
  for (int round = 0; round < 6; ++round) {
    for (const char* subject : {"torch:cpu", "torch@again:cpu"}) {
      const double t = (subject[5] == ':' ? 1e-3 : 1.2e-3) * (1 + 1e-3 * (round % 3));
      add({{"type", "block"},
           {"round", round},
           {"row", 0},
           {"case", "control"},
           {"subject", subject},
           {"samples_s", {t, t, t}}});
    }
    add({{"type", "slot"},
         {"round", round},
         {"case", "control"},
         {"subjects", {"torch:cpu", "torch@again:cpu"}}});
  }
  const auto report = build_report(run, "r");
  const std::string words = "no verdict (ratio 2.00, 1.97-2.03)";
  const auto text = to_text(report);
  CHECK(contains(text, words));
  CHECK(contains(text, "this run has no verdicts: null control failed: PyTorch against itself"));
  CHECK_FALSE(contains(text, "PyTorch 2.00x"));
  CHECK_FALSE(contains(text, "Finding"));
  CHECK(contains(tables_text(report), words));  // of a run that goes on
  CHECK(contains(to_markdown(report), words));
  CHECK_FALSE(contains(to_markdown(report), "PyTorch 2.00x"));
  const auto page = page_of(report, run).dump();
  CHECK_FALSE(contains(page, "PyTorch 2.00x"));
  CHECK(contains(page, "so nobody is called faster"));
  const auto json = to_json(report)["verdicts"][0];
  CHECK(json["verdict"] == "invalid");
  CHECK(json["reason"] == "a control of this run failed");
  CHECK(json["ratio"].get<double>() == doctest::Approx(1.9999));
  CHECK(to_json(report)["key_finding"].is_null());
  CHECK(contains(to_csv(std::vector{report}), ",invalid,a control of this run failed,1.99989"));
}
