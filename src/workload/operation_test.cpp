#include "workload/operation.hpp"

#include "workload/input.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>

using namespace mlbench;
using namespace mlbench::workload;

namespace {

constexpr std::uint64_t kSeed = 3;

/// The smallest case of `o`; attention with few heads.
Case small_case(const Operation& o, DType dtype = DType::float32) {
  Sizes size = o.groups == nullptr ? o.sizes.front() : Sizes{1, 4, 2, 24, 16};
  if (o.name == "linear") size = {5, 24, 32};
  Json params = Json::object();
  for (std::size_t i = 0; i < size.size(); ++i) params[std::string(o.params[i])] = size[i];
  auto c = make_case(o.name, dtype, params);
  REQUIRE_MESSAGE(c, o.name);
  return *c;
}

TensorData tensor_of(const Case& c, const std::vector<double>& values) {
  const auto spec = output_of(c);
  TensorData data{.shape = spec.shape, .dtype = spec.dtype, .bytes = {}};
  const auto append = [&](const auto& v) {
    const auto* p = reinterpret_cast<const std::byte*>(&v);
    data.bytes.insert(data.bytes.end(), p, p + sizeof v);
  };
  for (const double v : values) {
    const auto f = static_cast<float>(v);
    switch (spec.dtype) {
      case DType::float64: append(v); break;
      case DType::float32: append(f); break;
      case DType::float16: append(float_to_half(f)); break;
      case DType::bfloat16: append(float_to_bfloat16(f)); break;
      case DType::int32: append(static_cast<std::int32_t>(v)); break;
    }
  }
  return data;
}

CheckResult check(const Case& c, const std::vector<double>& values) {
  return find_workload(c.workload)->make_checker(c, kSeed)->check(tensor_of(c, values));
}

/// `values` [rows, columns] with rows and columns swapped.
std::vector<double> transposed(const std::vector<double>& values, std::size_t rows) {
  const std::size_t columns = values.size() / rows;
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    result[i % columns * rows + i / columns] = values[i];
  return result;
}

Case named(const char* name, Json params) {
  auto c = make_case(name, DType::float32, std::move(params));
  REQUIRE(c);
  return *c;
}

}  // namespace

TEST_CASE("the right answer of every operation passes in every dtype, and in no other") {
  for (const Operation& o : operations()) {
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16, DType::float64}) {
      const Case c = small_case(o, dtype);
      const auto answer = right_answer(c, kSeed);
      const auto result = check(c, answer);
      CHECK_MESSAGE(result.ok, c.id << ": " << result.detail);
      auto as_float64 = tensor_of(c, answer);
      as_float64.dtype = DType::float64;
      if (output_of(c).dtype != DType::float64)
        CHECK_FALSE(find_workload(c.workload)->make_checker(c, kSeed)->check(as_float64).ok);
    }
  }
}

TEST_CASE("each mutation of each operation's answer is found") {
  for (const Operation& o : operations()) {
    const Case c = small_case(o);
    const auto answer = right_answer(c, kSeed);

    auto nan = answer;
    nan.back() = std::numeric_limits<double>::quiet_NaN();
    const bool whole_numbers = output_of(c).dtype == DType::int32;
    if (!whole_numbers) CHECK_FALSE_MESSAGE(check(c, nan).ok, c.id << " with a NaN");

    CHECK_FALSE_MESSAGE(check(c, right_answer(c, kSeed + 1)).ok, c.id << " from other inputs");

    auto rounded = answer;
    for (double& v : rounded) v = double{half_to_float(float_to_half(static_cast<float>(v)))};
    // One rounded number may happen to be right; a sum of many may lose as much by itself.
    if (!whole_numbers && answer.size() > 1)
      CHECK_FALSE_MESSAGE(check(c, rounded).ok, c.id << " rounded to float16");

    auto partial = answer;
    for (std::size_t i = answer.size() / 2; i < answer.size(); ++i) partial[i] = 0;
    if (answer.size() > 1)
      CHECK_FALSE_MESSAGE(check(c, partial).ok, c.id << " half of it not written");
  }
}

TEST_CASE("an operation along the wrong axis is found") {
  const Json square = {{"rows", 48}, {"columns", 48}};
  const auto rows = right_answer(named("sum_rows", square), kSeed);
  const auto columns = right_answer(named("sum_columns", square), kSeed);
  CHECK_FALSE(check(named("sum_columns", square), rows).ok);
  CHECK_FALSE(check(named("sum_rows", square), columns).ok);
  for (const char* name : {"softmax", "rms_norm", "layer_norm", "sort", "gather"}) {
    const Case c = named(name, square);
    CHECK_FALSE_MESSAGE(check(c, transposed(right_answer(c, kSeed), 48)).ok, name);
  }
}

TEST_CASE("a forgotten mask, a forgotten scale and the wrong head's keys are found") {
  const Json shape = {{"batch", 1}, {"heads", 4}, {"kv_heads", 4}, {"length", 24}, {"dim", 16}};
  const auto full = right_answer(named("attention", shape), kSeed);
  CHECK(check(named("attention_unfused", shape), full).ok);
  CHECK_FALSE(check(named("attention_causal", shape), full).ok);
  auto grouped = shape;
  grouped["kv_heads"] = 2;
  CHECK_FALSE(check(named("attention", grouped), full).ok);
}

TEST_CASE("any place of the largest number is a right argmax") {
  const auto c = make_case("argmax", DType::bfloat16, {{"rows", 8}, {"columns", 4096}});
  REQUIRE(c);
  auto answer = right_answer(*c, kSeed);
  CHECK(check(*c, answer).ok);
  const auto x = to_double(input_bytes(inputs_of(*c)[0], kSeed), DType::bfloat16);
  int ties = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t row = i / 4096;
    if (x[i] != x[row * 4096 + static_cast<std::size_t>(answer[row])]) continue;
    ++ties;
    auto other = answer;
    other[row] = static_cast<double>(i % 4096);
    CHECK(check(*c, other).ok);
  }
  CHECK(ties > 8);
  answer[0] = 4096;
  CHECK_FALSE(check(*c, answer).ok);
}

TEST_CASE("an attention too large to check whole is checked in rows over all of it") {
  const Case c = named(
      "attention", {{"batch", 1}, {"heads", 8}, {"kv_heads", 8}, {"length", 1024}, {"dim", 64}});
  auto checker = find_workload("attention")->make_checker(c, kSeed);
  std::vector<double> zeros(static_cast<std::size_t>(output_of(c).elements()), 0.0);
  const auto result = checker->check(tensor_of(c, zeros));
  CHECK_FALSE(result.ok);
  CHECK(result.method.find(" of 8192 rows") != std::string::npos);
}

TEST_CASE("work is counted as documented") {
  const Json shape = {{"batch", 2}, {"heads", 4}, {"kv_heads", 2}, {"length", 8}, {"dim", 16}};
  CHECK(work_of(named("attention", shape)).flop == 4.0 * 2 * 4 * 8 * 8 * 16);
  CHECK(work_of(named("attention_causal", shape)).flop == 4.0 * 2 * 4 * 36 * 16);
  CHECK(work_of(named("attention_decode", shape)).bytes ==
        4.0 * (2 * 2 * 4 * 16 + 2 * 2 * 2 * 8 * 16));
  CHECK(memory_bytes_of(named("attention_unfused", shape)) >= 2 * 2 * 4 * 8 * 8 * 4);
  const auto quantized = work_of(
      named("quantized_matmul", {{"bits", 4}, {"group", 64}, {"m", 1}, {"n", 128}, {"k", 128}}));
  CHECK(quantized.bytes == 4 * (128 + 128 + 256) + 128 * 128 / 2);
  CHECK(work_of(named("overhead", {{"elements", 16}})).amount() == 1);
}

TEST_CASE("sizes that make no sense are refused with the reason") {
  const auto refused = [](const char* name, Json params) {
    const auto c = make_case(name, DType::float32, std::move(params));
    return c ? std::string() : c.error().message;
  };
  CHECK(refused("softmax", {{"rows", 4}}) != "");
  CHECK(refused("softmax", {{"rows", 4}, {"columns", 4}, {"x", 1}}).find("rows, columns only") !=
        std::string::npos);
  CHECK(
      refused("attention", {{"batch", 1}, {"heads", 3}, {"kv_heads", 2}, {"length", 8}, {"dim", 8}})
          .find("multiple") != std::string::npos);
  CHECK(refused("quantized_matmul", {{"bits", 3}, {"group", 64}, {"m", 1}, {"n", 1}, {"k", 64}})
            .find("bits") != std::string::npos);
  CHECK(refused("scatter_set", {{"rows", 4}, {"columns", 4}, {"updates", 5}}).find("at most") !=
        std::string::npos);
  CHECK(refused("softmax", {{"rows", 1 << 20}, {"columns", 1 << 20}}).find("2^31") !=
        std::string::npos);
}

TEST_CASE("every operation has cases whose ids differ, and only what is named is among them") {
  std::set<std::string> ids;
  Catalogue catalogue;
  for (const auto* w : workloads()) {
    for (const auto& family : w->families(catalogue)) {
      for (const auto& c : family.candidates) CHECK_MESSAGE(ids.insert(c.id).second, c.id);
    }
  }
  for (const Operation& o : operations()) {
    const std::string prefix = std::string(o.name) + "/";
    CHECK_MESSAGE(ids.lower_bound(prefix)->starts_with(prefix), o.name);
  }
  catalogue.operations = {"gelu"};
  CHECK(find_workload("relu")->families(catalogue).empty());
  CHECK_FALSE(find_workload("gelu")->families(catalogue).empty());
}
