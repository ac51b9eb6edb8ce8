#include "compare/comparison.hpp"

#include "compare/runs_for_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mlbench;
using namespace mlbench::compare;
using stats::Verdict;
using Gate = CaseComparison::Gate;

namespace {

/// torch and the native control on one case.
MadeUpRun run_of(const std::string& started, double torch_s, double native_s, int rounds = 12,
                 const std::string& version = "2.12.0", const Json& header = Json::object()) {
  MadeUpRun run(started, header);
  run.subject("torch:cpu", version).subject("native:cpu", "0.1.0").gemm(64);
  run.measure(64, {{"torch:cpu", torch_s}, {"native:cpu", native_s}}, rounds);
  return run;
}

Comparison compare_runs(const MadeUpRun& base, const MadeUpRun& now,
                        std::optional<double> gate = {}, bool anyway = false) {
  auto result = compare_sides(
      {.base = {base.data()}, .now = {now.data()}, .subjects = {}, .anyway = anyway, .gate = gate});
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  return *std::move(result);
}

const CaseComparison& only(const Comparison& c, const std::string& subject, int n = 64) {
  const auto it = std::find_if(c.cases.begin(), c.cases.end(), [&](const auto& v) {
    return v.case_id == MadeUpRun::id(n) && v.subjects.now == subject;
  });
  REQUIRE(it != c.cases.end());
  return *it;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Two environments of one framework in one run, `cases` cases; `slow` of them 10 % slower in new.
MadeUpRun ab_run(int cases, int slow, int rounds = 8,
                 const std::string& started = "2026-01-01T00:00:00Z",
                 const Json& header = Json::object()) {
  MadeUpRun run(started, header);
  run.subject("mlx@old:cpu", "0.31.0").subject("mlx@new:cpu", "0.32.4");
  for (int i = 0; i < cases; ++i) {
    run.gemm(64 + i);
    run.measure(64 + i, {{"mlx@old:cpu", 1e-3}, {"mlx@new:cpu", i < slow ? 1.1e-3 : 1e-3}}, rounds,
                0.004);
  }
  return run;
}

Comparison compare_within(const MadeUpRun& run, std::optional<double> gate = {},
                          std::vector<SubjectMatch> subjects = {}) {
  auto result = compare_sides({.base = {run.data()},
                               .now = {},
                               .subjects = std::move(subjects),
                               .anyway = false,
                               .gate = gate});
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  return *std::move(result);
}

}  // namespace

TEST_CASE("with ten processes a side and an unchanged control, two runs get a verdict") {
  const auto c = compare_runs(run_of("1", 1.0e-3, 1e-3), run_of("2", 1.2e-3, 1e-3));
  CHECK_FALSE(c.interleaved);
  REQUIRE(c.controls.contains("cpu"));
  CHECK(c.controls.at("cpu").unchanged);
  const auto& torch = only(c, "torch:cpu");
  CHECK(torch.judgement.verdict == Verdict::slower);  // of NEW, which takes 20 % longer
  CHECK(torch.interval->ratio == doctest::Approx(1 / 1.2));
  CHECK(contains(sentence(torch), "1.20x slower (95 % range 1."));
  CHECK(only(c, "native:cpu").judgement.verdict == Verdict::equal);
}

TEST_CASE("the verdict's interval holds what the control could not exclude") {
  const auto c = compare_runs(run_of("1", 1e-3, 1e-3), run_of("2", 1.2e-3, 1e-3));
  const auto& torch = only(c, "torch:cpu");
  const auto& control = *c.controls.at("cpu").interval;
  CHECK(torch.extra_log > 0);
  CHECK(torch.extra_log ==
        doctest::Approx(std::max(std::abs(std::log(control.low)), std::log(control.high))));
  CHECK(std::log(torch.interval->high / torch.interval->low) > 2 * torch.extra_log);
}

TEST_CASE("a control that changed, or cannot show that it did not, withholds the verdict") {
  const auto changed = compare_runs(run_of("1", 1e-3, 1e-3), run_of("2", 1.2e-3, 1.1e-3));
  CHECK_FALSE(changed.controls.at("cpu").unchanged);
  const auto& torch = only(changed, "torch:cpu");
  CHECK(torch.judgement.verdict == Verdict::invalid);
  CHECK(contains(torch.reason, "control is not shown to be unchanged"));
  CHECK(torch.interval.has_value());  // the ratio is shown all the same
}

TEST_CASE("without a control, or with nine processes, there is a ratio and no verdict") {
  MadeUpRun base("1"), now("2");
  for (auto* run : {&base, &now}) {
    run->subject("torch:cpu", "2.12.0").gemm(64);
    run->measure(64, {{"torch:cpu", run == &base ? 1e-3 : 2e-3}}, 12);
  }
  const auto alone = compare_runs(base, now);
  CHECK(only(alone, "torch:cpu").judgement.verdict == Verdict::invalid);
  CHECK(contains(only(alone, "torch:cpu").reason, "as control"));
  CHECK(only(alone, "torch:cpu").interval->ratio == doctest::Approx(0.5));

  const auto few = compare_runs(run_of("1", 1e-3, 1e-3, 9), run_of("2", 2e-3, 1e-3, 12));
  CHECK(contains(only(few, "torch:cpu").reason, "not interleaved, and 9 processes"));
}

TEST_CASE("a native worker of another build is no control") {
  auto now = run_of("2", 1e-3, 1e-3);
  now.subject("native:cpu", "0.2.0");
  const auto c = compare_runs(run_of("1", 1e-3, 1e-3), now);
  CHECK(c.controls.empty());
}

TEST_CASE(
    "another method version or seed, and a rehearsal, is refused, and shown without a verdict when "
    "told to") {
  for (const Json& header : {Json{{"method_version", 2}}, Json{{"settings", {{"seed", 7}}}},
                             Json{{"rehearsal", "M5"}}}) {
    const auto base = run_of("1", 1e-3, 1e-3),
               now = run_of("2", 1.2e-3, 1e-3, 12, "2.12.0", header);
    const auto refused = compare_runs(base, now);
    CHECK_FALSE(refused.refusal.empty());
    CHECK(refused.cases.empty());
    const auto anyway = compare_runs(base, now, 0.03, true);
    CHECK_FALSE(anyway.refusal.empty());
    CHECK(only(anyway, "torch:cpu").judgement.verdict == Verdict::invalid);
    CHECK(only(anyway, "torch:cpu").reason == "not comparable");
    CHECK(only(anyway, "torch:cpu").interval.has_value());
    CHECK_FALSE(anyway.gate->passed.has_value());
  }
}

TEST_CASE("what differs in the set-up is said in plain words, and what does not is not") {
  const auto same = compare_runs(run_of("1", 1e-3, 1e-3), run_of("2", 1e-3, 1e-3));
  CHECK(same.differences.empty());
  const Json busy = {{"machine", {{"state", {{"load_1m", 7.0}, {"power_source", "battery"}}}}}};
  const auto c = compare_runs(run_of("1", 1e-3, 1e-3), run_of("2", 1e-3, 1e-3, 12, "2.13.0", busy));
  std::vector<std::string> sentences;
  for (const auto& d : c.differences) sentences.push_back(d.sentence());
  CHECK(sentences == std::vector<std::string>{"version of torch:cpu: 2.12.0 in BASE, 2.13.0 in NEW",
                                              "power source: unknown in BASE, battery in NEW",
                                              "load when the run began: 0.40 in BASE, 7.0 in NEW"});
  CHECK(c.refusal.empty());
}

TEST_CASE("two machines give ratios and no verdicts") {
  const Json other = {{"machine", {{"cpu", {{"name", "Apple M5"}, {"logical_cores", 10}}}}}};
  const auto c =
      compare_runs(run_of("1", 1e-3, 1e-3), run_of("2", 0.5e-3, 1e-3, 12, "2.12.0", other), 0.03);
  CHECK_FALSE(c.same_machine);
  CHECK(only(c, "torch:cpu").interval->ratio == doctest::Approx(2));
  CHECK(only(c, "torch:cpu").reason == "different machines");
  CHECK_FALSE(c.gate->passed.has_value());
}

TEST_CASE("no case is dropped: failures, cases of one side, other checks and other parameters") {
  MadeUpRun base("1"), now("2");
  for (auto* run : {&base, &now}) {
    run->subject("torch:cpu", "2.12.0").subject("native:cpu", "0.1.0");
    for (int n : {64, 65, 66}) {
      run->gemm(n);
      run->measure(n, {{"torch:cpu", 1e-3}, {"native:cpu", 1e-3}}, 12);
    }
  }
  base.gemm(67).measure(67, {{"torch:cpu", 1e-3}}, 12);
  now.gemm(68).measure(68, {{"torch:cpu", 1e-3}}, 12);
  now.outcome(64, "torch:cpu", "wrong_result", "element 3 is 7");
  for (auto* run : {&base, &now})
    run->add({{"type", "check"},
              {"case", MadeUpRun::id(65)},
              {"subject", "torch:cpu"},
              {"ok", true},
              {"method", run == &base ? "every element" : "Freivalds"}});
  const auto c = compare_runs(base, now, 0.03);
  CHECK(c.cases.size() == 10);  // five cases, two subjects
  const auto& wrong = only(c, "torch:cpu", 64);
  CHECK(wrong.reason == "wrong_result in NEW: element 3 is 7");
  CHECK(wrong.gate == Gate::broken);
  CHECK_FALSE(wrong.interval);
  CHECK(only(c, "torch:cpu", 65).flags == std::vector<std::string>{"check_differs"});
  CHECK(only(c, "torch:cpu", 67).reason == "not in NEW");
  CHECK(only(c, "torch:cpu", 68).reason == "not in BASE");
  CHECK(c.gate->passed == false);
  CHECK(c.gate->broken == 1);
  CHECK(c.gate->regressions == 0);
}

TEST_CASE("one run cannot stand on both sides or twice on one") {
  const auto run = run_of("1", 1e-3, 1e-3);
  const auto twice = compare_sides({.base = {run.data()}, .now = {run.data()}, .subjects = {}});
  REQUIRE_FALSE(twice);
  CHECK(twice.error().kind == ErrorKind::usage);
  CHECK(contains(twice.error().message, "named twice"));
}

TEST_CASE("several runs a side are pooled by run: two runs give no verdict, three do") {
  const auto compare_pooled = [](int runs) {
    ComparisonRequest request;
    for (int i = 0; i < runs; ++i) {
      const double occasion = 1 + 0.002 * i;
      request.base.push_back(run_of("b" + std::to_string(i), 1e-3 * occasion, 1e-3).data());
      request.now.push_back(run_of("n" + std::to_string(i), 1.3e-3 * occasion, 1e-3).data());
    }
    auto result = compare_sides(request);
    REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
    return *std::move(result);
  };
  const auto two = compare_pooled(2);
  CHECK(contains(only(two, "torch:cpu").reason, "2 runs on a side, 3 are needed"));
  const auto three = compare_pooled(3);
  const auto& torch = only(three, "torch:cpu");
  CHECK(torch.judgement.verdict == Verdict::slower);
  CHECK(torch.interval->pairs == 3);  // the run is the unit, not its 12 processes
  CHECK(torch.runs == 3);
}

TEST_CASE("three runs against one have a ratio without a range, and the reason is true") {
  ComparisonRequest request;
  for (int i = 0; i < 3; ++i)
    request.base.push_back(run_of("b" + std::to_string(i), 1e-3, 1e-3).data());
  request.now.push_back(run_of("n", 1.25e-3, 1e-3).data());
  const auto c = compare_sides(request);
  REQUIRE(c);
  const auto& torch = only(*c, "torch:cpu");
  CHECK(torch.reason == "not interleaved, and fewer than 2 runs on a side");
  CHECK_FALSE(torch.interval);
  CHECK(torch.ratio_without_range.value_or(0) == doctest::Approx(0.8).epsilon(0.01));
  CHECK(torch.judgement.verdict == Verdict::invalid);
}

TEST_CASE("runs of one side that differ in version are refused") {
  const auto result = compare_sides(
      {.base = {run_of("1", 1e-3, 1e-3).data(), run_of("2", 1e-3, 1e-3, 12, "2.13.0").data()},
       .now = {run_of("3", 1e-3, 1e-3).data()},
       .subjects = {}});
  REQUIRE(result);
  CHECK(contains(result->refusal, "version of torch:cpu: 2.12.0 and 2.13.0 in BASE"));
}

TEST_CASE("subjects are matched by name, then by framework and kind of device, then by wish") {
  MadeUpRun mac("1"), pc("2");
  mac.subject("torch:mps", "2.12.0").subject("mlx:gpu", "0.31").gemm(64);
  pc.subject("torch:cuda:0", "2.12.0")
      .subject("mlx:gpu", "0.31")
      .subject("torch:cpu", "2")
      .gemm(64);
  mac.measure(64, {{"torch:mps", 1e-3}, {"mlx:gpu", 1e-3}}, 6);
  pc.measure(64, {{"torch:cuda:0", 1e-3}, {"mlx:gpu", 1e-3}, {"torch:cpu", 1e-3}}, 6);
  const auto c = compare_runs(mac, pc);
  REQUIRE(c.subjects.size() == 2);
  CHECK(c.subjects[0].now == "mlx:gpu");
  CHECK(c.subjects[1].base == "torch:mps");
  CHECK(c.subjects[1].now == "torch:cuda:0");
  CHECK(c.unmatched == std::vector<std::string>{"torch:cpu was measured in NEW only"});

  const auto wish = compare_sides(
      {.base = {mac.data()}, .now = {pc.data()}, .subjects = {{"torch:mps", "torch:cpu"}}});
  REQUIRE(wish);
  CHECK(wish->subjects.size() == 1);
  const auto bad = compare_sides(
      {.base = {mac.data()}, .now = {pc.data()}, .subjects = {{"torch:cpu", "torch:cpu"}}});
  REQUIRE_FALSE(bad);
  CHECK(contains(bad.error().message, "no subject torch:cpu was measured in BASE"));
}

TEST_CASE("two environments of one run are judged in full: they were interleaved") {
  const auto c = compare_within(ab_run(1, 1));
  CHECK(c.interleaved);
  CHECK(c.subjects[0].base == "mlx@old:cpu");
  const auto& v = only(c, "mlx@new:cpu");
  CHECK(v.judgement.verdict == Verdict::slower);
  CHECK(v.interval->pairs == 8);
  CHECK(v.extra_log == 0);
}

TEST_CASE("pooled runs keep the flags that any of them has") {
  std::vector<store::RunData> runs;
  for (const char* started : {"1", "2", "3"}) {
    auto run = ab_run(1, 0, 0, started);
    // In the second run both sides become 10 % slower after half of the rounds.
    for (int round = 0; round < 8; ++round) {
      const double t = 1e-3 * (*started == '2' && round >= 4 ? 1.1 : 1) * (1 + 1e-3 * (round % 3));
      for (const char* subject : {"mlx@old:cpu", "mlx@new:cpu"})
        run.add({{"type", "block"},
                 {"round", round},
                 {"case", MadeUpRun::id(64)},
                 {"subject", subject},
                 {"row", 0},
                 {"samples_s", {9.0, t, t}}});
      run.add({{"type", "slot"},
               {"round", round},
               {"case", MadeUpRun::id(64)},
               {"subjects", {"mlx@old:cpu", "mlx@new:cpu"}}});
    }
    if (*started == '3')
      run.add({{"type", "prepared"},
               {"case", MadeUpRun::id(64)},
               {"subject", "mlx@old:cpu"},
               {"flags", {"nonlinear"}}});
    runs.push_back(run.data());
  }
  const auto pooled = compare_sides({.base = runs, .now = {}});
  REQUIRE(pooled);
  CHECK(pooled->cases.at(0).runs == 3);
  CHECK(pooled->cases.at(0).flags == std::vector<std::string>{"nonlinear", "drift"});
}

TEST_CASE("a gate fails on a slow-down beyond its margin, and holds on one within") {
  const auto fails = compare_within(ab_run(4, 1), 0.03);
  CHECK(fails.gate->passed == false);
  CHECK(fails.gate->regressions == 1);
  CHECK(only(fails, "mlx@new:cpu", 64).gate == Gate::regression);
  CHECK(only(fails, "mlx@new:cpu", 65).gate == Gate::held);
  CHECK(compare_within(ab_run(4, 1), 0.12).gate->passed == true);
  CHECK(compare_within(ab_run(4, 0), 0.03).gate->passed == true);
  CHECK(compare_within(ab_run(4, 0, 3), 0.03).gate->passed == std::nullopt);  // too few rounds
}

TEST_CASE("runs of two environments that do not belong together get no verdicts either") {
  for (const Json& other : {Json{{"method_version", 2}}, Json{{"settings", {{"seed", 7}}}}}) {
    ComparisonRequest request{.base = {ab_run(2, 1, 8, "1").data(), ab_run(2, 1, 8, "2").data(),
                                       ab_run(2, 1, 8, "3", other).data()},
                              .now = {},
                              .subjects = {},
                              .anyway = false,
                              .gate = 0.03};
    const auto refused = compare_sides(request);
    REQUIRE(refused);
    CHECK_FALSE(refused->refusal.empty());
    CHECK(refused->cases.empty());
    request.anyway = true;
    const auto anyway = compare_sides(request);
    REQUIRE(anyway);
    REQUIRE(anyway->cases.size() == 2);
    for (const auto& c : anyway->cases) {
      CHECK(c.judgement.verdict == Verdict::invalid);
      CHECK(c.reason == "not comparable");
      CHECK(c.interval.has_value());
    }
    CHECK_FALSE(anyway->gate->passed.has_value());
  }
}

TEST_CASE("a gate counts what NEW lost, and fails on what it does not support any more") {
  const auto side = [](const char* started) {
    MadeUpRun run(started);
    run.subject("torch:cpu", "2.12.0").subject("native:cpu", "0.1.0");
    for (int n : {64, 65, 66, 67, 68}) {
      if (n == 67 && std::string(started) == "2") continue;  // absent in NEW
      run.gemm(n);
      run.measure(n, {{"torch:cpu", 1e-3}, {"native:cpu", 1e-3}}, 12);
    }
    return run;
  };
  auto base = side("1"), now = side("2");
  now.outcome(65, "torch:cpu", "skipped", "its 6 rounds do not fit into the budget");
  for (auto* run : {&base, &now}) run->outcome(68, "torch:cpu", "skipped", "too large");
  const auto lost = compare_runs(base, now, 0.03);
  CHECK(only(lost, "torch:cpu", 64).gate == Gate::held);
  CHECK(only(lost, "torch:cpu", 65).gate == Gate::not_judged);
  CHECK(only(lost, "torch:cpu", 67).gate == Gate::not_judged);
  CHECK(only(lost, "torch:cpu", 68).gate == Gate::left_out);  // BASE has no result either
  CHECK(lost.gate->not_judged == 3);                          // 65 and 67 of torch, 67 of native
  CHECK(lost.gate->broken == 0);
  CHECK(lost.gate->passed == true);

  now.outcome(66, "torch:cpu", "unsupported", "no such kernel");
  const auto broken = compare_runs(base, now, 0.03);
  CHECK(only(broken, "torch:cpu", 66).gate == Gate::broken);
  CHECK(broken.gate->broken == 1);
  CHECK(broken.gate->passed == false);
}

TEST_CASE("a run that skipped a case does not hide that it crashed in another") {
  std::vector<MadeUpRun> runs;
  for (const char* started : {"b1", "b2", "n1", "n2"}) runs.push_back(run_of(started, 1e-3, 1e-3));
  runs[2].outcome(64, "torch:cpu", "skipped", "over budget");
  runs[3].outcome(64, "torch:cpu", "crashed", "signal 11");
  const auto c = compare_sides({.base = {runs[0].data(), runs[1].data()},
                                .now = {runs[2].data(), runs[3].data()},
                                .subjects = {},
                                .anyway = false,
                                .gate = 0.03});
  REQUIRE(c);
  CHECK(only(*c, "torch:cpu").gate == Gate::broken);
  CHECK(c->gate->broken == 1);
}

TEST_CASE("a gate names the subject that NEW lost") {
  auto base = run_of("1", 1e-3, 1e-3);
  base.subject("mlx:cpu", "0.31");
  base.measure(64, {{"mlx:cpu", 1e-3}}, 12);
  const auto c = compare_runs(base, run_of("2", 1e-3, 1e-3), 0.03);
  CHECK(c.gate->lost_subjects == std::vector<std::string>{"mlx:cpu"});
}

TEST_CASE("a gain is no regression, however large") {
  const auto c =
      compare_within(ab_run(1, 1), 0.03, {{.base = "mlx@new:cpu", .now = "mlx@old:cpu"}});
  CHECK(only(c, "mlx@old:cpu").judgement.verdict == Verdict::faster);
  CHECK(c.gate->passed == true);
}

TEST_CASE("the double of a null control is not another environment") {
  auto run = run_of("1", 1e-3, 1e-3);
  run.subject("torch@again:cpu", "2.12.0");
  run.add({{"type", "pair"}, {"a", "torch:cpu"}, {"b", "torch@again:cpu"}, {"control", true}});
  const auto result = compare_sides({.base = {run.data()}, .now = {}, .subjects = {}});
  REQUIRE_FALSE(result);
  CHECK(contains(result.error().message, "measured no framework in two environments"));
}

TEST_CASE("one run without two environments asks for the subjects") {
  const auto result =
      compare_sides({.base = {run_of("1", 1e-3, 1e-3).data()}, .now = {}, .subjects = {}});
  REQUIRE_FALSE(result);
  CHECK(contains(result.error().message, "--subjects BASE,NEW; there are torch:cpu, native:cpu"));
}

TEST_CASE("a run whose null control failed gives ratios and no verdicts") {
  const auto with_control = [](double twin_s) {
    auto run = ab_run(2, 1);
    run.control(32, "mlx@old:cpu", "mlx@old+again:cpu");
    run.measure(32, {{"mlx@old:cpu", 1e-3}, {"mlx@old+again:cpu", twin_s}}, 8, 0.004);
    return run;
  };
  const auto good = compare_within(with_control(1e-3), 0.03);
  CHECK(good.failed_controls.empty());
  CHECK(only(good, "mlx@new:cpu").judgement.verdict == Verdict::slower);

  const auto bad = compare_within(with_control(1.1e-3), 0.03);
  REQUIRE(bad.failed_controls.size() == 1);
  CHECK(bad.failed_controls[0].in_base);
  CHECK(bad.failed_controls[0].in_new);
  CHECK(contains(bad.failed_controls[0].sentence, "mlx@old:cpu against itself came out DIFFERENT"));
  REQUIRE(bad.cases.size() == 2);  // the control is no case
  for (const auto& c : bad.cases) {
    CHECK(c.judgement.verdict == Verdict::invalid);
    CHECK(c.interval);
    CHECK(contains(sentence(c), "a control of its run failed"));
  }
  CHECK_FALSE(bad.gate->passed);  // cannot see, so does not pass
}

TEST_CASE("a failed control on either side of two runs withholds their verdicts") {
  const auto run = [](const char* started, double twin_s) {
    auto made = run_of(started, 1e-3, 1e-3);
    made.control(32, "torch:cpu", "torch@again:cpu");
    made.measure(32, {{"torch:cpu", 1e-3}, {"torch@again:cpu", twin_s}}, 8, 0.004);
    return made;
  };
  const auto good = compare_runs(run("1", 1e-3), run("2", 1e-3));
  CHECK(only(good, "torch:cpu").judgement.verdict == Verdict::equal);
  const auto bad = compare_runs(run("1", 1e-3), run("2", 1.1e-3));
  REQUIRE(bad.failed_controls.size() == 1);
  CHECK_FALSE(bad.failed_controls[0].in_base);
  CHECK(bad.failed_controls[0].in_new);
  CHECK(bad.failed_controls[0].started == "2");
  CHECK(only(bad, "torch:cpu").judgement.verdict == Verdict::invalid);
  CHECK(only(bad, "torch:cpu").reason == "a control of its run failed");
}

TEST_CASE("rehearsals are named once each") {
  const Json rehearsal = {{"rehearsal", "M5 10-core"}};
  const auto c = compare_runs(run_of("1", 1e-3, 1e-3, 12, "2.12.0", rehearsal),
                              run_of("2", 1e-3, 1e-3, 12, "2.12.0", rehearsal));
  CHECK(c.rehearsals == std::vector<std::string>{"M5 10-core"});
  CHECK(compare_runs(run_of("1", 1e-3, 1e-3), run_of("2", 1e-3, 1e-3)).rehearsals.empty());
}
