#include "report/left_out.hpp"

#include <doctest/doctest.h>

using namespace mlbench::report;

TEST_CASE("reasons that differ in their numbers only are one group with the range of the numbers") {
  const auto groups = group_left_out({
      {"a", "memory", "needs 900.5 MiB in 3 processes, over half of the 22.8 GiB available"},
      {"b", "gemm", "not among the headline cases"},
      {"c", "memory", "needs 51.0 GiB in 3 processes, over half of the 22.8 GiB available"},
      {"d", "gemm", "needs 12.5 GiB in 3 processes, over half of the 22.8 GiB available"},
  });
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].reason ==
        "needs 900.5 MiB to 51.0 GiB in 3 processes, over half of the 22.8 GiB available");
  CHECK(groups[0].cases.size() == 3);
  CHECK(in_words(groups[0]) == "3 cases: " + groups[0].reason + " (memory 2, gemm 1)");
  CHECK(in_words(groups[1]) == "b: not among the headline cases");
}

TEST_CASE("one unit is said once; numbers inside of names are no numbers") {
  const auto groups = group_left_out({
      {"a", "gemm", "a call of float16 takes about 5.1 ms, 2 are allowed"},
      {"b", "gemm", "a call of float16 takes about 7 ms, 2 are allowed"},
      {"c", "gemm", "a call of float32 takes about 7 ms, 2 are allowed"},
      {"d", "gemm", "a call of float16 takes about 7 GiB, 2 are allowed"},
  });
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].reason == "a call of float16 takes about 5.1 to 7 ms, 2 are allowed");
}

TEST_CASE("many workloads are counted, the largest are named; hostile texts are one line") {
  std::vector<LeftOutCase> cases;
  for (const char* workload : {"a", "b", "c", "d", "e", "f", "f"})
    cases.push_back({"id", workload, "why\nnot \x01 1."});
  const auto groups = group_left_out(cases);
  REQUIRE(groups.size() == 1);
  CHECK(in_words(groups[0]) == "7 cases: why not   1. (f 2, a 1, b 1, c 1, 2 more workloads)");
}
