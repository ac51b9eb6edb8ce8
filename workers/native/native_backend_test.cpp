#include "native/native_backend.hpp"

#include "kit/memory.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>

using namespace mlbench;
using workload::DType;

namespace {

constexpr std::uint64_t kSeed = 42;

workload::Case gemm(DType dtype, int m, int n, int k) {
  auto c = workload::make_case("gemm", dtype, {{"m", m}, {"n", n}, {"k", k}});
  REQUIRE(c);
  return *c;
}

workload::Case memory(const char* op, std::int64_t bytes) {
  auto c = workload::make_case("memory", DType::float32, {{"op", op}, {"bytes", bytes}});
  REQUIRE(c);
  return *c;
}

/// Runs `c` and checks its output as the orchestrator would.
void check(kit::Backend& backend, const workload::Case& c) {
  CAPTURE(c.id);
  auto kernel = backend.prepare(c, "cpu", kSeed);
  REQUIRE_MESSAGE(kernel, kernel.error().message);
  const auto checker = workload::find_workload(c.workload)->make_checker(c, kSeed);
  CHECK_MESSAGE(!checker->check((*kernel)->output()).ok, "passes before it ran");
  (*kernel)->run(3);
  const auto result = checker->check((*kernel)->output());
  CHECK_MESSAGE(result.ok, result.detail);
  CHECK_FALSE((*kernel)->facts().kernel.empty());
}

}  // namespace

TEST_CASE("memory results are right for sizes that do not divide evenly among threads") {
  const auto backend = native::make_native_backend();
  for (const char* op : {"copy", "read", "write", "triad", "scale", "add"}) {
    for (const std::int64_t bytes : {64, 8192 + 64, 100 * 64, 1 << 20, (5 << 20) + 192}) {
      check(*backend, memory(op, bytes));
    }
  }
}

TEST_CASE("gemm results are right for odd shapes") {
  const auto backend = native::make_native_backend();
  for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
    if (!backend->prepare(gemm(dtype, 1, 1, 1), "cpu", kSeed)) continue;  // see the test below
    check(*backend, gemm(dtype, 1, 1, 1));
    check(*backend, gemm(dtype, 1, 300, 257));
    check(*backend, gemm(dtype, 8, 129, 65));
    check(*backend, gemm(dtype, 33, 17, 70));
    check(*backend, gemm(dtype, 96, 96, 96));
  }
}

TEST_CASE("what native cannot do is unsupported, with a reason") {
  const auto backend = native::make_native_backend();
  const auto gpu = backend->prepare(gemm(DType::float32, 8, 8, 8), "gpu", kSeed);
  REQUIRE_FALSE(gpu);
  CHECK(gpu.error().kind == ErrorKind::unsupported);
  CHECK(gpu.error().message.find("gpu") != std::string::npos);
  CHECK_FALSE(backend->describe("cuda:0"));
}

TEST_CASE("cold cases are right, and independent calls are refused") {
  const auto backend = native::make_native_backend();
  for (auto c : {memory("triad", 1 << 20), gemm(DType::float32, 1, 300, 257)}) {
    const auto cold = workload::make_case(c.workload, c.dtype, c.params, {.cold_bytes = 8 << 20});
    REQUIRE(cold);
    CHECK(workload::copies_of(*cold) > 1);
    check(*backend, *cold);
    const auto overlapped =
        workload::make_case(c.workload, c.dtype, c.params, {.independent = true});
    REQUIRE(overlapped);
    CHECK_FALSE(backend->prepare(*overlapped, "cpu", kSeed));
  }
}

TEST_CASE("a case larger than the memory is refused before it is allocated") {
  const auto backend = native::make_native_backend();
  CHECK_THROWS_AS(
      static_cast<void>(backend->prepare(memory("triad", std::int64_t{1} << 40), "cpu", kSeed)),
      kit::OutOfMemory);
}

TEST_CASE("describe names the BLAS that is bound; without one, float64 says what to install") {
  const auto backend = native::make_native_backend();
  const auto facts = backend->describe("cpu");
  REQUIRE(facts);
  CHECK(facts->at("threads").get<int>() >= 1);
  CHECK(facts->contains("environment"));
  const auto product = backend->prepare(gemm(DType::float64, 8, 8, 8), "cpu", kSeed);
  if (facts->at("blas").is_null()) {
    REQUIRE_FALSE(product);
    CHECK(product.error().message.find("BLAS") != std::string::npos);
  } else {
    REQUIRE(product);
    CHECK_FALSE(facts->at("blas").at("path").get<std::string>().empty());
    CHECK((*product)->facts().kernel.find("cblas_dgemm") == 0);
  }
}

TEST_CASE("MLBENCH_NATIVE_THREADS sets the threads, and nonsense in it is an error") {
  REQUIRE(setenv("MLBENCH_NATIVE_THREADS", "3", 1) == 0);
  const auto three = native::make_native_backend()->describe("cpu");
  REQUIRE(three);
  CHECK(three->at("threads") == 3);
  CHECK(three->at("environment").at("MLBENCH_NATIVE_THREADS") == "3");
  REQUIRE(setenv("MLBENCH_NATIVE_THREADS", "many", 1) == 0);
  const auto many = native::make_native_backend()->describe("cpu");
  unsetenv("MLBENCH_NATIVE_THREADS");
  REQUIRE_FALSE(many);
  CHECK(many.error().message.find("MLBENCH_NATIVE_THREADS=many") != std::string::npos);
}
