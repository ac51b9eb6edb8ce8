#include "compare/runs_for_tests.hpp"
#include "report/comparison_view.hpp"
#include "report/stored_run_for_tests.hpp"

using namespace mlbench;
using namespace mlbench::report;
using compare::MadeUpRun;

namespace {

ComparisonView view_of(const compare::ComparisonRequest& request, std::vector<std::string> base,
                       std::vector<std::string> now) {
  auto comparison = compare::compare_sides(request);
  REQUIRE_MESSAGE(comparison, (comparison ? "" : comparison.error().message));
  return view_comparison(request, std::move(base), std::move(now), *std::move(comparison));
}

/// Two environments in one run: a regression, a case that broke, one without verdict, one skipped.
ComparisonView environments() {
  MadeUpRun run("2026-01-01T00:00:00Z");
  run.subject("mlx@old:cpu", "0.31.0").subject("mlx@new:cpu", "0.32.4");
  const auto measure = [&](int n, double new_s, int rounds) {
    run.gemm(n).measure(n, {{"mlx@old:cpu", 1e-3}, {"mlx@new:cpu", new_s}}, rounds, 0.004);
  };
  measure(64, 1.1e-3, 8);
  measure(96, 1e-3, 8);
  measure(128, 0.8e-3, 8);
  measure(160, 1e-3, 4);
  measure(192, 1e-3, 8);
  run.outcome(192, "mlx@new:cpu", "wrong_result", "element 3 is 7, expected 5 (100% off)");
  run.gemm(224);
  for (const char* subject : {"mlx@old:cpu", "mlx@new:cpu"})
    run.outcome(224, subject, "skipped", "too large for this machine");
  return view_of({.base = {run.data()}, .now = {}, .subjects = {}, .anyway = false, .gate = 0.03},
                 {"results/raw/ab.jsonl"}, {});
}

MadeUpRun torch_run(const std::string& started, double torch_s, const std::string& version,
                    const Json& header = Json::object()) {
  MadeUpRun run(started, header);
  run.subject("torch:cpu", version).subject("native:cpu", "0.1.0").gemm(64).gemm(96);
  run.measure(64, {{"torch:cpu", torch_s}, {"native:cpu", 1e-3}}, 12);
  run.measure(96, {{"torch:cpu", 1.5e-3}, {"native:cpu", 2e-3}}, 8);
  return run;
}

/// Two runs of different days, with an unchanged control.
ComparisonView days() {
  const auto base = torch_run("2026-01-01T00:00:00Z", 1e-3, "2.12.0"),
             now = torch_run("2026-01-02T00:00:00Z", 1.2e-3, "2.13.0");
  return view_of({.base = {base.data()}, .now = {now.data()}}, {"base.jsonl"}, {"new.jsonl"});
}

/// Two runs that were made in different ways.
ComparisonView refused() {
  const auto base = torch_run("2026-01-01T00:00:00Z", 1e-3, "2.12.0"),
             now = torch_run("2026-01-02T00:00:00Z", 1e-3, "2.12.0", {{"method_version", 2}});
  return view_of({.base = {base.data()}, .now = {now.data()}}, {"base.jsonl"}, {"new.jsonl"});
}

/// Two environments of one rehearsed run, in which the null control failed.
ComparisonView distrusted() {
  MadeUpRun run("2026-01-01T00:00:00Z", {{"rehearsal", "M5 10-core, 24 GB"}});
  run.subject("mlx@old:cpu", "0.31.0").subject("mlx@new:cpu", "0.32.4");
  run.gemm(64).measure(64, {{"mlx@old:cpu", 1e-3}, {"mlx@new:cpu", 1.1e-3}}, 8, 0.004);
  run.control(32, "mlx@old:cpu", "mlx@old+again:cpu");
  run.measure(32, {{"mlx@old:cpu", 1e-3}, {"mlx@old+again:cpu", 1.1e-3}}, 8, 0.004);
  return view_of({.base = {run.data()}, .now = {}, .subjects = {}, .anyway = false, .gate = 0.03},
                 {"results/rehearsals/ab.jsonl"}, {});
}

}  // namespace

TEST_CASE("golden: two environments of one run, with a gate, in every format") {
  const auto view = environments();
  check_golden("compare-ab.txt", to_text(view));
  check_golden("compare-ab.md", to_markdown(view));
  check_golden("compare-ab.github", to_github(view));
  check_golden("compare-ab.json", rounded_numbers(to_json(view)).dump(2) + "\n");
}

TEST_CASE("golden: a failed control and a rehearsal stand above everything else") {
  const auto view = distrusted();
  check_golden("compare-distrusted.txt", to_text(view));
  check_golden("compare-distrusted.md", to_markdown(view));
  check_golden("compare-distrusted.github", to_github(view));
}

TEST_CASE("golden: two runs of different days") {
  const auto view = days();
  check_golden("compare-days.txt", to_text(view));
  check_golden("compare-days.md", to_markdown(view));
  check_golden("compare-days.json", rounded_numbers(to_json(view)).dump(2) + "\n");
}

TEST_CASE("golden: runs that are not comparable") {
  const auto view = refused();
  check_golden("compare-refused.txt", to_text(view));
  check_golden("compare-refused.github", to_github(view));
}

TEST_CASE("a gate that passes says what it could not see") {
  MadeUpRun run("2026-01-01T00:00:00Z");
  run.subject("mlx@old:cpu", "0.31.0").subject("mlx@new:cpu", "0.32.4").gemm(64);
  run.measure(64, {{"mlx@old:cpu", 1e-3}, {"mlx@new:cpu", 1e-3}}, 8, 0.2);
  const auto view = view_of(
      {.base = {run.data()}, .now = {}, .subjects = {}, .anyway = false, .gate = 0.03}, {"x"}, {});
  CHECK(view.comparison.gate->passed == true);
  const double low = view.comparison.cases.front().adjusted->low;
  const auto text = gate_sentence(view.comparison);
  CHECK(text.find("pass: none of 1 case is shown to be slower by more than 3 %, and a slow-down of "
                  "up to ") == 0);
  CHECK(low < 0.97);
  CHECK(text.find("is not excluded") != std::string::npos);
}

TEST_CASE("what a gate lost is counted and named in every format") {
  MadeUpRun run("2026-01-01T00:00:00Z");
  run.subject("mlx@old:cpu", "0.31.0").subject("mlx@new:cpu", "0.32.4");
  for (const int n : {64, 96, 128, 160}) {
    run.gemm(n).measure(n, {{"mlx@old:cpu", 1e-3}, {"mlx@new:cpu", 1e-3}}, 8, 0.004);
    if (n != 64) run.outcome(n, "mlx@new:cpu", "skipped", "over the budget");
  }
  const auto view = view_of(
      {.base = {run.data()}, .now = {}, .subjects = {}, .anyway = false, .gate = 0.03}, {"x"}, {});
  const auto text = to_text(view);
  CHECK(text.find("\nNOT JUDGED BY THE GATE\n  skipped in NEW: over the budget: gemm/float32/96 on "
                  "mlx@new:cpu, gemm/float32/128 on mlx@new:cpu, gemm/float32/160 on "
                  "mlx@new:cpu\n") != std::string::npos);
  CHECK(text.find("; 3 cases could not be judged\n") != std::string::npos);
  const auto github = to_github(view);
  for (const char* label : {"GEMM float32 96", "GEMM float32 128", "GEMM float32 160"})
    CHECK(github.find("::warning title=mlbench%3A not judged::" + std::string(label) +
                      " on mlx@new:cpu: skipped in NEW: over the budget\n") != std::string::npos);
  const auto json = to_json(view);
  CHECK(json["gate"] == "pass");
  CHECK(json["gate_counts"]["not_judged"] == 3);
  CHECK(json["verdicts"][1]["gate"] == "not_judged");
}

TEST_CASE("a ratio without a range is shown as one") {
  const auto with = [](const char* started, double torch_s) {
    return torch_run(started, torch_s, "2.12.0").data();
  };
  const auto view = view_of(
      {.base = {with("1", 1e-3), with("2", 1e-3), with("3", 1e-3)}, .now = {with("4", 1.25e-3)}},
      {"1", "2", "3"}, {"4"});
  CHECK(to_text(view).find("~0.80x\n") != std::string::npos);
  const auto json = to_json(view);
  CHECK(json["verdicts"][0]["ratio"].get<double>() == doctest::Approx(0.8).epsilon(0.01));
  CHECK(json["verdicts"][0]["low"].is_null());
}

TEST_CASE("every case is in the document, whatever became of it") {
  const auto json = to_json(environments());
  CHECK(json["schema"] == "mlbench.compare/1");
  CHECK(json["verdicts"].size() == 6);
  CHECK(json["gate"] == "fail");
  CHECK(json["comparable"] == true);
  // a is the new one and is 10 % slower: time of b / time of a is below 1.
  CHECK(json["verdicts"][0]["a"] == "mlx@new:cpu");
  CHECK(json["verdicts"][0]["verdict"] == "slower");
  CHECK(json["verdicts"][0]["ratio"].get<double>() == doctest::Approx(1 / 1.1).epsilon(0.005));
  CHECK(to_json(refused())["comparable"] == false);
}
