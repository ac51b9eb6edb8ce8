#include "report/key_finding.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace mlbench::report {
namespace {

SubjectView subject(const char* framework) {
  SubjectView s;
  s.name = std::string(framework) + ":cpu", s.framework = framework, s.device = "cpu";
  s.title = framework_title(framework);
  return s;
}

/// One case for each list of pair ratios, in logs, of torch:cpu against mlx:cpu.
Report report_of(const std::vector<std::vector<double>>& cases) {
  Report report;
  report.subjects = {subject("torch"), subject("mlx"), subject("native")};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    compare::CaseVerdict v;
    v.a = "torch:cpu", v.b = "mlx:cpu";
    v.interval = stats::ratio_interval(cases[i]);
    v.judgement = stats::judge(v.interval);
    Row row;
    row.case_id = row.label = "case " + std::to_string(i);
    row.verdicts.push_back(v);
    report.rows.push_back(row);
  }
  return report;
}

std::vector<double> around(double log_ratio, double wobble) {
  return {log_ratio - wobble,     log_ratio + wobble,     log_ratio - wobble / 2,
          log_ratio + wobble / 2, log_ratio - wobble / 4, log_ratio + wobble / 4};
}

}  // namespace

TEST_CASE("the key finding is the difference that stays largest, named from the faster side") {
  const auto found =
      key_finding(report_of({around(0.7, 0.3), around(-0.5, 0.01), around(0, 0.01)}));
  REQUIRE(found);
  CHECK(found->label == "case 1");  // the first is larger, but less sure
  CHECK(found->faster == "mlx:cpu");
  CHECK(found->ratio == doctest::Approx(std::exp(0.5)));
  CHECK(found->low < found->ratio);
  CHECK(found->high > found->ratio);
  CHECK(found->cases == 3);
}

TEST_CASE("its range is wider than that of the case alone, and nothing is singled out by chance") {
  const auto lone = around(0.02, 0.02);
  CHECK(key_finding(report_of({lone})));
  // The same pairs among twenty cases that do not differ: one of them would be found at 95 %.
  std::vector<std::vector<double>> many(20, around(0, 0.02));
  many.push_back(lone);
  CHECK_FALSE(key_finding(report_of(many)));
  CHECK(key_finding_words(report_of(many)).find("no difference stands") == 0);
  CHECK(key_finding_json(report_of(many)).is_null());

  // Equal cases throughout: few runs of twenty may single one out.
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 0.02);
  int singled_out = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<std::vector<double>> cases(20, std::vector<double>(8));
    for (auto& pairs : cases)
      for (double& d : pairs) d = noise(random);
    if (key_finding(report_of(cases))) ++singled_out;
  }
  CHECK(singled_out <= 0.05 * kRuns + 4 * std::sqrt(0.05 * 0.95 * kRuns));
}

TEST_CASE("where a control failed nothing is singled out") {
  auto report = report_of({around(0.7, 0.01)});
  CHECK(key_finding_words(report).find("PyTorch is 2.01 times as fast as MLX") == 0);
  auto& v = report.rows.front().verdicts.front();
  v.judgement = {}, v.withheld = true;  // as compare::verdicts_of() makes it
  CHECK_FALSE(key_finding(report));
  CHECK(key_finding_words(report).empty());
}

}  // namespace mlbench::report
