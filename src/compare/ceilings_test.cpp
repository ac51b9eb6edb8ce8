#include "compare/ceilings.hpp"

#include "compare/lines_for_tests.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::compare;

TEST_CASE("cpu and accelerators are two kinds of device") {
  CHECK(device_kind("cpu") == "cpu");
  for (const char* device : {"mps", "gpu", "cuda:0", "cuda:1"}) CHECK(device_kind(device) == "gpu");
}

namespace {

/// 1 GFLOP in 10 ms at best: 100 GFLOP/s; 1 GB in 100 ms: 10 GB/s.
Lines with_ceilings(const Json& machine = Json::object()) {
  Lines lines(machine);
  lines.subject("a");
  lines.subject("b");
  lines.gemm("gemm/float32/big", "float32", 1e9, 1e6);
  lines.memory("memory/float32/copy", 1e9);
  lines.alone("a", 0.020, "gemm/float32/big");
  lines.block(1, 0, "b", {0.010}, "gemm/float32/big");
  lines.slot(1, {"b"}, "gemm/float32/big");
  lines.alone("b", 0.1, "memory/float32/copy");
  return lines;
}

}  // namespace

TEST_CASE("the ceiling is what the best subject reached, and says who and where") {
  const Ceilings ceilings(with_ceilings().data());
  REQUIRE(ceilings.all().size() == 2);
  const auto& compute = ceilings.all()[1];
  CHECK(compute.device_kind == "cpu");
  CHECK(compute.resource == "float32");
  CHECK(compute.rate == doctest::Approx(1e11));
  CHECK(compute.subject == "b");
  CHECK(compute.name == "gemm/float32/big");
  CHECK(ceilings.all()[0].resource == "bytes_per_s");
  CHECK(ceilings.all()[0].rate == doctest::Approx(1e10));
  CHECK(ceilings.all()[0].working_set_bytes == 1e9);
}

TEST_CASE("a case bound by arithmetic is judged by the FLOP rate of its dtype") {
  Lines lines = with_ceilings();
  lines.gemm("gemm/float32/other", "float32", 2e9, 1e6);  // 20 ms at the ceiling
  const auto* c = lines.data().find_case("gemm/float32/other");
  const Ceilings ceilings(lines.data());
  CHECK(ceilings.share(*c, "cpu", 0.040)->fraction == doctest::Approx(0.5));
}

TEST_CASE("a case bound by memory is judged by the bandwidth") {
  Lines lines = with_ceilings();
  lines.gemm("gemm/float32/thin", "float32", 1e6, 1e9);  // 10 us of arithmetic, 100 ms of traffic
  const auto* c = lines.data().find_case("gemm/float32/thin");
  const Ceilings ceilings(lines.data());
  CHECK(ceilings.share(*c, "cpu", 0.2)->fraction == doctest::Approx(0.5));
}

TEST_CASE("a memory case is judged by the bandwidth alone") {
  const Lines lines = with_ceilings();
  const auto* c = lines.data().find_case("memory/float32/copy");
  CHECK(Ceilings(lines.data()).share(*c, "cpu", 0.125)->fraction == doctest::Approx(0.8));
}

TEST_CASE("a case bound by memory that a cache can hold has no roof: that was not measured") {
  const Json machine = {{"cpu", {{"l3_bytes", 32 << 20}}}};
  Lines lines = with_ceilings(machine);
  lines.gemm("gemm/float32/thin", "float32", 1e3, 1e8);   // 95 MiB, less than four times 32 MiB
  lines.gemm("gemm/float32/thick", "float32", 1e3, 1e9);  // beyond any cache
  const Ceilings ceilings(lines.data());
  CHECK_FALSE(ceilings.share(*lines.data().find_case("gemm/float32/thin"), "cpu", 0.02));
  CHECK(ceilings.share(*lines.data().find_case("gemm/float32/thick"), "cpu", 0.2));
}

TEST_CASE("what no case of that kind of device or dtype measured has no roof") {
  Lines lines = with_ceilings();
  lines.gemm("gemm/float16/big", "float16", 1e9, 1e6);
  const Ceilings ceilings(lines.data());
  CHECK_FALSE(ceilings.share(*lines.data().find_case("gemm/float16/big"), "cpu", 0.01));
  CHECK_FALSE(ceilings.share(*lines.data().find_case("gemm/float32/big"), "mps", 0.01));
  CHECK_FALSE(ceilings.share(*lines.data().find_case("memory/float32/copy"), "gpu", 0.01));
}

TEST_CASE("a result that was wrong sets no ceiling") {
  Lines lines = with_ceilings();
  lines.outcome("b", "wrong_result", "element 3", "gemm/float32/big");
  const Ceilings ceilings(lines.data());
  CHECK(ceilings.compute("cpu", "float32")->subject == "a");
  CHECK(ceilings.compute("cpu", "float32")->rate == doctest::Approx(5e10));
}

TEST_CASE("a start of an operation is bound by no roof") {
  Lines lines = with_ceilings();
  lines.add({{"type", "case"},
             {"case", "start"},
             {"workload", "gemm"},
             {"dtype", "float32"},
             {"flop", 1e9},
             {"bytes", 1e6},
             {"ops", 1},
             {"unit", "op_per_s"}});
  CHECK_FALSE(Ceilings(lines.data()).share(*lines.data().find_case("start"), "cpu", 1));
}

namespace {

/// Bandwidth kernels over two sizes: 100 GB/s from a cache, 10 GB/s from the memory; 400 GFLOP/s.
Lines with_kernels() {
  Lines lines(Json{{"cpu", {{"l3_bytes", 32 << 20}}}});
  lines.subject("a");
  const auto kernel = [&](const char* resource, double rate, Json working_set_bytes) {
    lines.add({{"type", "ceiling"},
               {"subject", "a"},
               {"resource", resource},
               {"rate", rate},
               {"working_set_bytes", std::move(working_set_bytes)},
               {"name", "loop"},
               {"threads", 2}});
  };
  kernel("bytes_per_s", 100e9, 1 << 20);
  kernel("bytes_per_s", 10e9, 256 << 20);
  kernel("bytes_per_s", 4e9, 256 << 20);  // one thread; the best counts
  kernel("float32", 400e9, nullptr);
  return lines;
}

}  // namespace

TEST_CASE("each working set has its own roof, and one between has that of the next larger") {
  const Ceilings ceilings(with_kernels().data());
  CHECK(ceilings.bandwidth("cpu", 1 << 20)->rate == 100e9);
  CHECK(ceilings.bandwidth("cpu", 1.3 * (1 << 20))->rate == 100e9);
  CHECK(ceilings.bandwidth("cpu", 256 << 20)->rate == 10e9);
  CHECK(ceilings.bandwidth("cpu", 160 << 20)->rate == 10e9);  // beyond any cache
  CHECK(ceilings.bandwidth("cpu", 8e9)->rate == 10e9);        // larger than all that was tried
  Lines more = with_kernels();
  more.add({{"type", "ceiling"},
            {"subject", "a"},
            {"resource", "bytes_per_s"},
            {"rate", 9e9},
            {"working_set_bytes", 1 << 30}});
  CHECK(Ceilings(more.data()).bandwidth("cpu", 1 << 30)->rate == 10e9);  // one memory
  CHECK(ceilings.bandwidth("cpu", 16 << 20) == nullptr);                 // in a cache, nothing near
  CHECK(ceilings.bandwidth("cpu", 64 << 10) == nullptr);
  CHECK(ceilings.bandwidth("gpu", 1 << 20) == nullptr);
}

TEST_CASE("a ceiling kernel sets the roof of a case, and the share says which roof binds") {
  Lines lines = with_kernels();
  lines.gemm("gemm/float32/thick", "float32", 4e9, 1e6);
  lines.gemm("gemm/float32/thin", "float32", 1e6, 1 << 20);
  const Ceilings ceilings(lines.data());
  const auto thick = ceilings.share(*lines.data().find_case("gemm/float32/thick"), "cpu", 0.02);
  REQUIRE(thick);
  CHECK_FALSE(thick->memory_bound);
  CHECK(thick->fraction == doctest::Approx(0.5));
  CHECK(thick->roof.name == "loop");
  CHECK(thick->roof.threads == 2);
  const auto thin =
      ceilings.share(*lines.data().find_case("gemm/float32/thin"), "cpu", (1 << 20) / 50e9);
  REQUIRE(thin);
  CHECK(thin->memory_bound);
  CHECK(thin->fraction == doctest::Approx(0.5));
  CHECK(arithmetic_intensity({.flop = 6, .bytes = 3}) == 2);
  CHECK_FALSE(arithmetic_intensity({.flop = 6, .bytes = 0}));
}

TEST_CASE("a cold case is judged by the memory, though a call touches little") {
  Lines lines = with_kernels();
  lines.add({{"type", "case"},
             {"case", "memory/float32/copy_512KiB/cold"},
             {"workload", "memory"},
             {"dtype", "float32"},
             {"params", {{"op", "copy"}, {"bytes", 512 << 10}}},
             {"variant", {{"cold_bytes", 256 << 20}}},
             {"flop", 0},
             {"bytes", 1 << 20},
             {"unit", "bytes_per_s"}});
  const Ceilings ceilings(lines.data());
  const auto share = ceilings.share(lines.data().cases.front(), "cpu", (1 << 20) / 5e9);
  REQUIRE(share);
  CHECK(share->fraction == doctest::Approx(0.5));
}
