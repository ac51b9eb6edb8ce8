#pragma once

#include "kit/backend.hpp"
#include "kit/device_for_tests.hpp"
#include "workload/language.hpp"
#include "workload/operation.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

/// What every framework's backend has to get right, on the CPU unless MLBENCH_TEST_DEVICE says
/// otherwise: its tests name the backend, and where it has no kernel.
namespace mlbench::kit {

using workload::DType;

inline workload::Case make(const std::string& workload, DType dtype, Json params,
                           const workload::Variant& variant = {}) {
  auto c = workload::make_case(workload, dtype, std::move(params), variant);
  REQUIRE_MESSAGE(c, (c ? "" : c.error().message));
  return *std::move(c);
}

/// The check of `c` on the output of the last of `calls` calls, computed from inputs of `seed`; the
/// check expects those of seed 7.
inline workload::CheckResult checked(Backend& backend, const workload::Case& c, int calls = 3,
                                     std::uint64_t seed = 7) {
  CAPTURE(c.id);
  auto kernel = backend.prepare(c, device_for_tests(), seed);
  REQUIRE_MESSAGE(kernel, (kernel ? "" : kernel.error().message));
  (*kernel)->run(calls);
  return workload::find_workload(c.workload)->make_checker(c, 7)->check((*kernel)->output());
}

inline void check_right(Backend& backend, const workload::Case& c) {
  const auto result = checked(backend, c);
  CHECK_MESSAGE(result.ok, c.id << ": " << result.detail);
}

/// Where the device has no kernel, the backend has to say so and not to fail.
inline void check_right_or_unsupported(Backend& backend, const workload::Case& c) {
  try {
    const auto kernel = backend.prepare(c, device_for_tests(), 7);
    if (!kernel) {
      CHECK_MESSAGE(kernel.error().kind == ErrorKind::unsupported, kernel.error().message);
      return;
    }
  } catch (const std::exception& e) {
    CHECK_MESSAGE(backend.is_unsupported(e), c.id << ": " << e.what());
    return;
  }
  check_right(backend, c);
}

inline void check_products(Backend& backend) {
  for (const auto dtype : {DType::float32, DType::float16, DType::bfloat16})
    check_right(backend, make("gemm", dtype, {{"m", 33}, {"n", 65}, {"k", 129}}));
  const auto all_double = make("gemm", DType::float64, {{"m", 33}, {"n", 65}, {"k", 129}});
  if (device_for_tests() != "cpu") return check_right_or_unsupported(backend, all_double);
  check_right(backend, all_double);
}

inline void check_memory_operations(Backend& backend) {
  for (const char* op : {"copy", "read", "write", "triad", "scale", "add"})
    check_right(backend, make("memory", DType::float32, {{"op", op}, {"bytes", 1 << 20}}));
  for (const workload::Variant variant :
       {workload::Variant{.cold_bytes = 8 << 20}, workload::Variant{.independent = true}})
    check_right(backend,
                make("memory", DType::float32, {{"op", "triad"}, {"bytes", 1 << 20}}, variant));
}

/// A small case of each operation that needs no compiler at run time.
inline void check_operations(Backend& backend) {
  for (const auto& o : workload::operations()) {
    if (o.name == "chain_compiled") continue;
    const auto size = o.groups == nullptr ? o.sizes.front() : workload::Sizes{1, 8, 2, 96, 64};
    Json params = Json::object();
    for (std::size_t i = 0; i < size.size(); ++i) params[std::string(o.params[i])] = size[i];
    const auto c = make(std::string(o.name), DType::float32, std::move(params));
    if (device_for_tests() == "cpu") {
      check_right(backend, c);
    } else {
      check_right_or_unsupported(backend, c);
    }
  }
}

inline void check_refuses_what_no_memory_holds(Backend& backend) {
  const auto c = make("memory", DType::float32, {{"op", "copy"}, {"bytes", std::int64_t{1} << 40}});
  try {
    static_cast<void>(backend.prepare(c, "cpu", 1));
    FAIL("1 TiB was accepted");
  } catch (const std::exception& e) {
    CHECK(backend.is_out_of_memory(e));
  }
}

inline std::string tiny_model(const std::string& family) {
  return MLBENCH_TEST_DATA "/llm/" + family + "/config.json";
}

/// Prefill, decode behind a full window, and a block of `family`.
inline void check_language_model(Backend& backend, const std::string& family, DType dtype) {
  const Json model = {{"model", tiny_model(family)}, {"batch", 2}};
  Json prefill = model, decode = model, block = model;
  prefill["prompt"] = 24;
  decode["depth"] = 21, decode["tokens"] = 5;  // the window is of 8
  block["seq"] = 9;
  check_right(backend, make("prefill", dtype, prefill));
  check_right(backend, make("decode", dtype, decode));
  check_right(backend, make("block", dtype, block));
}

inline workload::Case quantised_decode(DType dtype, const std::string& quant) {
  return make("decode", dtype,
              {{"model", tiny_model("llama")},
               {"batch", 1},
               {"depth", 3},
               {"tokens", 4},
               {"quant", quant}});
}

inline void check_quantised_weights(Backend& backend, DType dtype,
                                    const std::vector<std::string>& quants) {
  for (const auto& quant : quants) {
    const auto result = checked(backend, quantised_decode(dtype, quant));
    CHECK_MESSAGE(result.ok, quant << ": " << result.detail);
    REQUIRE(result.output_error);
    CHECK(*result.output_error > 1e-4);
    CHECK(*result.output_error < 1);
    CHECK(result.output_error_of == quantised_decode(dtype, quant).id);
  }
}

/// Decode of a small model of tests/data/gguf, whose weights are stored as `quant`; "": as numbers.
inline workload::Case gguf_decode(DType dtype, const std::string& model, const std::string& quant) {
  Json params = {{"model", MLBENCH_TEST_DATA "/gguf/" + model + "/model.gguf"},
                 {"batch", 1},
                 {"depth", 16},
                 {"tokens", 16}};
  if (!quant.empty()) params["quant"] = quant;
  return make("decode", dtype, params);
}

inline void check_gguf(Backend& backend, DType dtype, const std::string& model,
                       const std::string& quant) {
  const auto result = checked(backend, gguf_decode(dtype, model, quant));
  CHECK_MESSAGE(result.ok, model << ": " << result.detail);
}

inline void check_finds_other_weights(Backend& backend) {
  const auto c = make("prefill", DType::float32,
                      {{"model", tiny_model("llama")}, {"batch", 1}, {"prompt", 10}});
  CHECK(checked(backend, c, 1).ok);
  CHECK_FALSE(checked(backend, c, 1, 8).ok);
}

}  // namespace mlbench::kit
