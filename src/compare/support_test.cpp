#include "compare/support.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

namespace {

/// One case of `dtype` on "mlx:cpu", whose every block takes `seconds`, without an outcome.
void add_measured(store::RunData& run, const std::string& id, const std::string& dtype,
                  double seconds, const std::vector<std::string>& flags) {
  REQUIRE(run.add({{"type", "case"},
                   {"case", id},
                   {"workload", "gemm"},
                   {"dtype", dtype},
                   {"flop", 1e9},
                   {"bytes", 1e6},
                   {"unit", "flop_per_s"},
                   {"params", {{"m", 64}, {"n", 64}, {"k", 64}}}}));
  for (int round = 0; round < 6; ++round) {
    REQUIRE(run.add({{"type", "prepared"},
                     {"round", round},
                     {"case", id},
                     {"subject", "mlx:cpu"},
                     {"kernel", "steel"},
                     {"notes", {"no native kernel, says the worker"}},
                     {"flags", flags}}));
    REQUIRE(run.add({{"type", "block"},
                     {"round", round},
                     {"row", 0},
                     {"case", id},
                     {"subject", "mlx:cpu"},
                     {"samples_s", {seconds, seconds, seconds}},
                     {"start_ns", round}}));
    REQUIRE(run.add({{"type", "slot"}, {"round", round}, {"case", id}, {"subjects", {"mlx:cpu"}}}));
  }
}

void add_outcome(store::RunData& run, const std::string& id, const char* status) {
  REQUIRE(run.add({{"type", "outcome"},
                   {"case", id},
                   {"subject", "mlx:cpu"},
                   {"status", status},
                   {"reason", "why"}}));
}

store::RunData run_of_mlx() {
  store::RunData run;
  REQUIRE(run.add({{"type", "run"}, {"schema", "mlbench.journal/1"}}));
  REQUIRE(run.add({{"type", "subject"},
                   {"subject", "mlx:cpu"},
                   {"framework", "mlx"},
                   {"device", "cpu"},
                   {"status", "ok"},
                   {"reason", ""},
                   {"facts", Json::object()}}));
  return run;
}

}  // namespace

TEST_CASE("support is what was executed: slow by its time beside float32, not by a note") {
  auto run = run_of_mlx();
  add_measured(run, "gemm/float32/64", "float32", 0.001, {});
  add_measured(run, "gemm/float16/64", "float16", 0.0031, {});
  add_measured(run, "gemm/bfloat16/64", "bfloat16", 0.0029, {});
  const auto found = compare::support_of(run);
  REQUIRE(found.size() == 3);
  CHECK(found[0].support == "native");
  CHECK(found[0].kernel == "steel");
  CHECK(found[1].support == "slow");
  CHECK(found[1].reason == "takes 3.1 times as long as float32");
  CHECK(found[2].support == "native");
}

TEST_CASE("a case that was left out unexecuted says nothing; failures say how") {
  auto run = run_of_mlx();
  add_measured(run, "a", "float32", 0.001, {"fallback"});
  add_measured(run, "b", "float32", 0.001, {});
  add_outcome(run, "b", "wrong_result");
  add_measured(run, "c", "float32", 0.001, {});
  add_outcome(run, "c", "crashed");
  REQUIRE(run.add({{"type", "case"},
                   {"case", "d"},
                   {"workload", "gemm"},
                   {"dtype", "float32"},
                   {"flop", 1e9},
                   {"bytes", 1e6},
                   {"unit", "flop_per_s"},
                   {"params", Json::object()}}));
  add_outcome(run, "d", "skipped");
  const auto found = compare::support_of(run);
  REQUIRE(found.size() == 3);
  CHECK(found[0].support == "fallback");
  CHECK(found[1].support == "wrong");
  CHECK(found[2].support == "crashed");
  CHECK(found[2].reason == "why");
}

TEST_CASE("probes that the journal holds come after the cases, with their day") {
  auto run = run_of_mlx();
  REQUIRE(run.add({{"type", "support"},
                   {"subject", "mlx:cpu"},
                   {"case", "quantized_matmul/float16/x"},
                   {"workload", "quantized_matmul"},
                   {"dtype", "float16"},
                   {"params", {{"bits", 4}}},
                   {"support", "wrong"},
                   {"reason", "element 3"},
                   {"kernel", ""},
                   {"call_s", nullptr},
                   {"probed", "2026-11-27T00:00:00Z"}}));
  CHECK_FALSE(run.add({{"type", "support"}, {"subject", "mlx:cpu"}}));
  const auto found = compare::support_of(run);
  REQUIRE(found.size() == 1);
  CHECK(found[0].probed == "2026-11-27T00:00:00Z");
  CHECK(compare::operation_of(found[0].workload, found[0].params) == "quantized_matmul 4 bits");
  CHECK(compare::operation_of("memory", {{"op", "copy"}}) == "memory copy");
  CHECK(compare::operation_of("gelu", {{"bits", "four"}}) == "gelu");
}
