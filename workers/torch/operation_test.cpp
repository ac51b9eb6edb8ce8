#include "kit/backend_for_tests.hpp"
#include "torch/backend.hpp"
#include "torch/cpu_kernels.hpp"
#include "torch/describe.hpp"
#include "torch/fallback.hpp"

#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <doctest/doctest.h>

#include <string>

using namespace mlbench;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("gemm agrees with the reference in every dtype, in the dtype asked for") {
  kit::check_products(*torch_worker::make_backend());
}

TEST_CASE("every memory operation agrees with the reference, cold and independent too") {
  kit::check_memory_operations(*torch_worker::make_backend());
}

TEST_CASE("every operation agrees with the reference in float32") {
  kit::check_operations(*torch_worker::make_backend());
}

TEST_CASE("a device that this build or machine lacks is unsupported, with what there is") {
  const auto backend = torch_worker::make_backend();
  for (const char* device : {"tpu", "cuda:99"}) {
    const auto described = backend->describe(device);
    REQUIRE_FALSE(described);
    CHECK(described.error().kind == ErrorKind::unsupported);
    CHECK(described.error().message.find("cpu") != std::string::npos);
    CHECK_FALSE(backend->prepare(
        kit::make("memory", workload::DType::float32, {{"op", "copy"}, {"bytes", 1 << 20}}), device,
        1));
  }
}

TEST_CASE("a case larger than the memory is refused before anything is allocated") {
  kit::check_refuses_what_no_memory_holds(*torch_worker::make_backend());
}

TEST_CASE("PyTorch's own refusals of memory are recognised") {
  const auto backend = torch_worker::make_backend();
  CHECK(backend->is_out_of_memory(std::runtime_error("CUDA error: out of memory")));
  CHECK(backend->is_out_of_memory(
      std::runtime_error("DefaultCPUAllocator: can't allocate memory: you tried to allocate")));
  CHECK(backend->is_out_of_memory(
      std::runtime_error("MPS backend out of memory (MPS allocated: 1 GB)")));
  CHECK_FALSE(backend->is_out_of_memory(std::runtime_error("mat1 and mat2 shapes differ")));
}

TEST_CASE("the description proves the BLAS, the threads and full float32") {
  const auto facts = torch_worker::make_backend()->describe("cpu");
  REQUIRE(facts);
  CHECK(facts->at("framework_version").get<std::string>().find('.') != std::string::npos);
  CHECK(facts->at("threads").get<int>() >= 1);
  CHECK(facts->at("build").at("config").size() + 1 == count(at::show_config(), "\n  - "));
  CHECK(facts->at("blas").at("library").is_string());
  CHECK(facts->at("blas").at("path").is_string());
  CHECK(facts->at("precision").at("float32_matmul") == "highest");
  CHECK(facts->at("precision").at("tf32_matmul") == false);
}

TEST_CASE("a build setting is found by its whole name") {
  constexpr std::string_view kConfig =
      "PyTorch built with:\n  - Build settings: BLAS_INFO=mkl, TORCH_VERSION=2.13.0, X=, \n";
  CHECK(torch_worker::build_setting(kConfig, "TORCH_VERSION") == "2.13.0");
  CHECK(torch_worker::build_setting(kConfig, "VERSION") == "");
  CHECK(torch_worker::build_setting(kConfig, "X") == "");
  CHECK(torch_worker::build_setting("nothing", "X") == "");
}

TEST_CASE("half-precision products are called slow exactly where no kernel serves them") {
  using torch_worker::slow_gemm_note;
  using workload::DType;
  const torch_worker::CpuFeatures zen4 = {
      .x86 = true, .onednn = true, .avx512 = true, .avx512_bf16 = true};
  CHECK_FALSE(slow_gemm_note(DType::float32, zen4));
  CHECK_FALSE(slow_gemm_note(DType::bfloat16, zen4));
  CHECK(slow_gemm_note(DType::float16, zen4)->find("no native float16 kernel") == 0);

  auto sapphire_rapids = zen4;
  sapphire_rapids.avx512_fp16 = true;
  CHECK_FALSE(slow_gemm_note(DType::float16, sapphire_rapids));

  const torch_worker::CpuFeatures haswell = {.x86 = true, .onednn = true};
  CHECK(slow_gemm_note(DType::bfloat16, haswell)->find("no avx512") != std::string::npos);
  const torch_worker::CpuFeatures apple = {};
  CHECK(slow_gemm_note(DType::float16, apple)->find("no oneDNN") != std::string::npos);
}

TEST_CASE("operations that take CPU tensors are seen, and those of another device are not") {
  const auto here = at::ones({4}), elsewhere = at::empty({4}, at::kMeta);
  CHECK(torch_worker::operations_on_cpu([&] { return at::neg(here); }) ==
        std::vector<std::string>{"aten::neg"});
  CHECK(torch_worker::operations_on_cpu([&] { return at::neg(elsewhere); }).empty());
  CHECK(torch_worker::operations_on_cpu([&] { return at::add(elsewhere, 1.0); }).empty());
  // As a fallback does: part of the work on the CPU, in a list.
  const auto seen = torch_worker::operations_on_cpu([&] {
    static_cast<void>(at::cat({here, here}));
    return at::neg(elsewhere);
  });
  CHECK(seen == std::vector<std::string>{"aten::cat"});
}
