#include "workload/language.hpp"

#include "torch/backend.hpp"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <string>

using namespace mlbench;
using workload::DType;

namespace {

std::string tiny(const std::string& family) {
  return MLBENCH_TEST_DATA "/llm/" + family + "/config.json";
}

workload::Case make(const char* name, DType dtype, Json params) {
  auto c = workload::make_case(name, dtype, std::move(params));
  REQUIRE_MESSAGE(c, (c ? "" : c.error().message));
  return *c;
}

workload::TensorData output_of(const workload::Case& c, int calls, std::uint64_t seed = 7) {
  at::set_num_threads(1);
  const auto backend = torch_worker::make_backend();
  auto kernel = backend->prepare(c, "cpu", seed);
  REQUIRE_MESSAGE(kernel, (kernel ? "" : kernel.error().message));
  (*kernel)->run(calls);
  return (*kernel)->output();
}

workload::CheckResult checked(const workload::Case& c, int calls, std::uint64_t seed = 7) {
  return workload::find_workload(c.workload)->make_checker(c, 7)->check(output_of(c, calls, seed));
}

}  // namespace

TEST_CASE("PyTorch reads a prompt, writes tokens and computes a block as the reference does") {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const std::string family : {"llama", "gemma2", "gpt_oss"}) {
      CAPTURE(family);
      CAPTURE(name_of(dtype));
      const Json model = {{"model", tiny(family)}, {"batch", 2}};
      Json prefill = model, decode = model, block = model;
      prefill["prompt"] = 24;
      decode["depth"] = 21, decode["tokens"] = 5;  // behind a full window of 8
      block["seq"] = 9;
      for (const auto& c : {make("prefill", dtype, prefill), make("decode", dtype, decode),
                            make("block", dtype, block)}) {
        CAPTURE(c.id);
        const auto result = checked(c, 3);
        CHECK_MESSAGE(result.ok, result.detail);
      }
    }
  }
}

TEST_CASE("PyTorch computes with quantised weights what they stand for") {
  for (const char* quant : {"4bit", "int8"}) {
    CAPTURE(quant);
    const auto c = make(
        "decode", DType::bfloat16,
        {{"model", tiny("llama")}, {"batch", 1}, {"depth", 3}, {"tokens", 4}, {"quant", quant}});
    const auto result = checked(c, 2);
    CHECK_MESSAGE(result.ok, result.detail);
    CHECK(result.method.find("quantising changes it by") != std::string::npos);
  }
}

TEST_CASE("PyTorch has no 4-bit floats, and says so") {
  const auto c = make(
      "decode", DType::float32,
      {{"model", tiny("llama")}, {"batch", 1}, {"depth", 3}, {"tokens", 4}, {"quant", "mxfp4"}});
  const auto kernel = torch_worker::make_backend()->prepare(c, "cpu", 7);
  REQUIRE_FALSE(kernel);
  CHECK(kernel.error().kind == ErrorKind::unsupported);
  CHECK(kernel.error().message.find("MXFP4") != std::string::npos);
}

TEST_CASE("the check of a language case finds other weights, and another token") {
  const auto c =
      make("prefill", DType::float32, {{"model", tiny("llama")}, {"batch", 1}, {"prompt", 10}});
  CHECK(checked(c, 1).ok);
  CHECK_FALSE(checked(c, 1, 8).ok);
}
