#include "compare/verdicts.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace mlbench;
using compare::Ceilings;
using store::RunData;

namespace {

constexpr const char* kCase = "gemm/float32/1024";

void add(RunData& run, const Json& line) {
  REQUIRE(run.add(line).has_value());
}

void declare_case(RunData& run, const char* id, const char* workload, double flop, double bytes,
                  const char* unit) {
  add(run, {{"type", "case"},
            {"case", id},
            {"workload", workload},
            {"dtype", "float32"},
            {"params", Json::object()},
            {"flop", flop},
            {"bytes", bytes},
            {"unit", unit}});
}

/// A run of torch, mlx and native on the CPU with an L3 cache of 32 MiB and one gemm of 2 GFLOP.
RunData new_run() {
  RunData run;
  add(run, {{"type", "run"},
            {"schema", "mlbench.journal/1"},
            {"machine", {{"cpu", {{"l3_bytes", 32 << 20}}}}}});
  for (const char* name : {"torch", "mlx", "native"}) {
    add(run, {{"type", "subject"},
              {"subject", std::string(name) + ":cpu"},
              {"framework", name},
              {"device", "cpu"},
              {"status", "ok"}});
  }
  add(run, {{"type", "pair"}, {"a", "torch:cpu"}, {"b", "mlx:cpu"}});
  declare_case(run, kCase, "gemm", 2e9, 12e6, "flop_per_s");
  return run;
}

/// One finished round: six rows in which each subject took `seconds`, with a little noise by round
/// and row.
void add_round(RunData& run, int round, const std::vector<std::pair<std::string, double>>& times,
               const char* id = kCase) {
  Json subjects = Json::array();
  for (const auto& [subject, seconds] : times) {
    for (int row = 0; row < 6; ++row) {
      const double noise =
          1 + 0.001 * ((round * 7 + row * 3 + static_cast<int>(subject.size())) % 5 - 2);
      const double t = seconds * noise;
      add(run, {{"type", "block"},
                {"round", round},
                {"case", id},
                {"subject", subject},
                {"row", row},
                {"calls", 1},
                {"samples_s", {9 * t, t, t, t}}});
    }
    subjects.push_back(subject);
  }
  add(run, {{"type", "slot"}, {"round", round}, {"case", id}, {"subjects", subjects}});
}

RunData measured(double torch_s, double mlx_s, int rounds = 6) {
  RunData run = new_run();
  for (int r = 0; r < rounds; ++r) add_round(run, r, {{"torch:cpu", torch_s}, {"mlx:cpu", mlx_s}});
  return run;
}

}  // namespace

TEST_CASE("the faster side is named with its ratio, and the lead-in sample does not count") {
  const auto verdicts = compare::verdicts_of(measured(0.010, 0.013));
  REQUIRE(verdicts.size() == 1);
  CHECK(verdicts[0].interval->ratio == doctest::Approx(1.3).epsilon(0.005));
  CHECK(verdicts[0].judgement.verdict == stats::Verdict::faster);
  CHECK(compare::sentence(verdicts[0], "PyTorch", "MLX")
            .starts_with("PyTorch is 1.30x faster (95 % range 1."));
  CHECK(compare::sentence(compare::verdicts_of(measured(0.013, 0.010))[0], "PyTorch", "MLX")
            .starts_with("MLX is 1.30x faster"));
}

TEST_CASE("equal times are equal within a margin, never the same") {
  const auto v = compare::verdicts_of(measured(0.010, 0.010))[0];
  CHECK(v.judgement.verdict == stats::Verdict::equal);
  CHECK(compare::sentence(v, "PyTorch", "MLX") == "equal within 2 %");
}

TEST_CASE("fewer than six process pairs give no verdict and say so") {
  const auto v = compare::verdicts_of(measured(0.010, 0.020, 5))[0];
  CHECK(v.judgement.verdict == stats::Verdict::invalid);
  CHECK(compare::sentence(v, "PyTorch", "MLX") == "no verdict: 5 process pairs, 6 are needed");
}

TEST_CASE("a side that crashed or was wrong gets no ratio, whatever was measured before") {
  RunData run = measured(0.010, 0.013);
  add(run, {{"type", "outcome"},
            {"case", kCase},
            {"subject", "mlx:cpu"},
            {"status", "crashed"},
            {"reason", "SIGSEGV"}});
  const auto v = compare::verdicts_of(run)[0];
  CHECK_FALSE(v.interval.has_value());
  CHECK(v.judgement.verdict == stats::Verdict::invalid);
  CHECK(compare::sentence(v, "PyTorch", "MLX") == "no verdict: mlx:cpu: crashed: SIGSEGV");
}

TEST_CASE("a case that a side cannot compute, or that was left out, is not compared") {
  for (const char* status : {"skipped", "unsupported"}) {
    RunData run = measured(0.010, 0.013);
    add(run, {{"type", "outcome"},
              {"case", kCase},
              {"subject", "mlx:cpu"},
              {"status", status},
              {"reason", ""}});
    CHECK(compare::verdicts_of(run).empty());
  }
}

TEST_CASE("a side that drifted by more than the interval can tell is flagged") {
  RunData run = new_run();
  for (int r = 0; r < 9; ++r) {
    const double drift = 1 + 0.02 * r;
    add_round(run, r, {{"torch:cpu", 0.010 * drift}, {"mlx:cpu", 0.010 * drift}});
  }
  CHECK(compare::verdicts_of(run)[0].flags == std::vector<std::string>{"drift"});
  CHECK(compare::verdicts_of(measured(0.010, 0.010))[0].flags.empty());
}

TEST_CASE("time of a cell is the median over processes, with an interval from three on") {
  const auto run = measured(0.010, 0.013);
  const auto time = compare::time_of(*run.find_cell(kCase, "torch:cpu"));
  CHECK(time->median_s == doctest::Approx(0.010).epsilon(0.003));
  CHECK(time->processes == 6);
  CHECK(time->low_s.has_value());
  CHECK_FALSE(compare::time_of(store::Cell{}).has_value());
}

TEST_CASE("a case is judged by the roof that binds it, and not at all where a cache serves it") {
  RunData run = measured(0.010, 0.020);  // 200 and 100 GFLOP/s
  declare_case(run, "memory/float32/copy_256MiB", "memory", 0, 4e8, "bytes_per_s");
  add_round(run, 0, {{"torch:cpu", 0.020}, {"mlx:cpu", 0.040}},
            "memory/float32/copy_256MiB");  // 20 and 10 GB/s
  declare_case(run, "gemm/float32/gemv", "gemm", 4e8, 8e8, "flop_per_s");
  declare_case(run, "gemm/float32/small", "gemm", 2e6, 4e6, "flop_per_s");
  const Ceilings ceilings(run);
  const auto share = [&](const char* id, double seconds) {
    return ceilings.fraction(*run.find_case(id), "cpu", seconds);
  };
  CHECK(share(kCase, 0.020).value() == doctest::Approx(0.5).epsilon(0.01));
  CHECK(share("memory/float32/copy_256MiB", 0.040).value() == doctest::Approx(0.5).epsilon(0.01));
  CHECK(share("gemm/float32/gemv", 0.080).value() ==
        doctest::Approx(0.5).epsilon(0.01));                    // 8e8 B at 20 GB/s
  CHECK_FALSE(share("gemm/float32/small", 0.001).has_value());  // fits into L3
  CHECK_FALSE(ceilings.fraction(*run.find_case(kCase), "mps", 0.020)
                  .has_value());  // another kind of device
}
