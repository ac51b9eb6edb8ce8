#include "workload/workload.hpp"

#include "workload/gemm.hpp"
#include "workload/input.hpp"
#include "workload/memory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlbench;
using namespace mlbench::workload;

namespace {

constexpr std::uint64_t kSeed = 1;

Case gemm(std::int64_t m, std::int64_t n, std::int64_t k, DType dtype = DType::float32) {
  return *make_case("gemm", dtype, {{"m", m}, {"n", n}, {"k", k}});
}

Case memory(const char* op, std::int64_t bytes) {
  return *make_case("memory", DType::float32, {{"op", op}, {"bytes", bytes}});
}

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// A correct float32 product by the plainest loop, optionally spoilt.
TensorData product(const Case& c, double (*spoil)(double) = nullptr) {
  const auto [m, n, k] = Gemm::shape(c);
  const auto x = to_double(input_bytes(kSeed, 0, m * k, c.dtype), c.dtype);
  const auto w = to_double(input_bytes(kSeed, 1, n * k, c.dtype), c.dtype);
  std::vector<float> y;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t p = 0; p < k; ++p) {
        const double a = x[static_cast<std::size_t>(i * k + p)];
        sum += (spoil == nullptr ? a : spoil(a)) * w[static_cast<std::size_t>(j * k + p)];
      }
      y.push_back(static_cast<float>(sum));
    }
  }
  return {.shape = {m, n}, .dtype = DType::float32, .bytes = bytes_of(y)};
}

double through_half(double v) {
  return double{half_to_float(float_to_half(static_cast<float>(v)))};
}
// 11 significant bits, as TF32 keeps.
double through_tf32(double v) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(v));
  return double{std::bit_cast<float>(bits & 0xffffe000U)};
}

}  // namespace

TEST_CASE("Philox gives the published test vectors") {
  // From the known-answer file of Random123 1.14.
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
        std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("an input element is the same alone, in a span from any start, and as bytes") {
  std::vector<float> values(11);
  input_values(kSeed, 3, 5, values);
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == input_value(kSeed, 3, 5 + i));
  // Long spans go many at a time: over the end of such a group, and of the low 32 bits of groups.
  for (const std::uint64_t first : {0ULL, 3ULL, 100ULL, (1ULL << 34) - 70}) {
    std::vector<float> many(700);
    input_values(kSeed + (1ULL << 40), 9, first, many);
    for (std::size_t i = 0; i < many.size(); ++i)
      REQUIRE(many[i] == input_value(kSeed + (1ULL << 40), 9, first + i));
  }
  const auto bytes = input_bytes(kSeed, 3, 16, DType::float32);
  float element = 0;
  std::memcpy(&element, bytes.data() + 5 * 4, 4);
  CHECK(element == values[0]);
  CHECK(input_value(kSeed, 0, 0) != input_value(kSeed, 1, 0));
  CHECK(input_value(kSeed, 0, 0) != input_value(kSeed + 1, 0, 0));
}

TEST_CASE("inputs are uniform in [-1, 1)") {
  double sum = 0, squares = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double v = double{input_value(kSeed, 0, static_cast<std::uint64_t>(i))};
    REQUIRE(v >= -1);
    REQUIRE(v < 1);
    sum += v;
    squares += v * v;
  }
  CHECK(std::abs(sum / kCount) < 0.01);
  CHECK(std::abs(squares / kCount - 1.0 / 3) < 0.01);
}

TEST_CASE("every float16 survives the round trip, and rounding goes to even") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_to_float(half);
    if (!std::isnan(value)) REQUIRE(float_to_half(value) == half);
  }
  CHECK(float_to_half(1.0F + 0x1p-11F) == float_to_half(1.0F));
  CHECK(float_to_half(1.0F + 3 * 0x1p-11F) == float_to_half(1.0F + 0x1p-9F));
  CHECK(std::isinf(half_to_float(float_to_half(65520.0F))));
  CHECK(half_to_float(float_to_half(65519.0F)) == 65504.0F);
  CHECK(float_to_half(0x1p-25F) == 0);
  CHECK(float_to_half(0x1.8p-25F) == 1);
  CHECK(std::isnan(half_to_float(float_to_half(std::numeric_limits<float>::quiet_NaN()))));
}

TEST_CASE("bfloat16 rounds to nearest even and keeps NaN") {
  CHECK(bfloat16_to_float(float_to_bfloat16(1.0F + 0x1p-8F)) == 1.0F);
  CHECK(bfloat16_to_float(float_to_bfloat16(1.0F + 3 * 0x1p-8F)) == 1.0F + 0x1p-6F);
  CHECK(std::isnan(bfloat16_to_float(float_to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST_CASE("ids are stable and survive JSON") {
  CHECK(gemm(4096, 4096, 4096, DType::float16).id == "gemm/float16/4096");
  CHECK(gemm(8, 4096, 14336).id == "gemm/float32/m8_n4096_k14336");
  CHECK(memory("copy", 256 << 20).id == "memory/float32/copy_256MiB");
  CHECK(memory("read", 192).id == "memory/float32/read_192B");
  CHECK(memory("read", 100000000).id == "memory/float32/read_100MB");
  const Case c = gemm(8, 16, 32, DType::bfloat16);
  CHECK(case_from_json(to_json(c))->id == c.id);
}

TEST_CASE("bad cases are refused with the parameter named") {
  CHECK(make_case("gem", DType::float32, {}).error().message == "no workload is called \"gem\"");
  CHECK(make_case("gemm", DType::float32, {{"m", 0}, {"n", 1}, {"k", 1}}).error().message ==
        "gemm: m must be between 1 and 1048576");
  CHECK_FALSE(
      make_case("gemm", DType::float32, {{"m", 1}, {"n", 1}, {"k", 1}, {"z", 1}}).has_value());
  CHECK_FALSE(make_case("memory", DType::float32, {{"op", "cpy"}, {"bytes", 64}}).has_value());
  CHECK_FALSE(make_case("memory", DType::float16, {{"op", "copy"}, {"bytes", 64}}).has_value());
}

TEST_CASE("work is counted as documented") {
  const Work g = work_of(gemm(2, 3, 4));
  CHECK(g.flop == 48);
  CHECK(g.bytes == (8 + 12 + 6) * 4);
  CHECK(work_of(memory("triad", 1024)).bytes == 3 * 1024);
  CHECK(work_of(memory("copy", 1024)).amount() == 2 * 1024);
  CHECK(work_of(memory("read", 1024)).bytes == 1024);
  CHECK(memory_bytes_of(memory("triad", 1024)) == 3 * 1024);
}

TEST_CASE("an input that several threads make has the same elements as one by one") {
  constexpr std::int64_t kCount = (std::int64_t{3} << 20) + 5;
  const auto values = to_double(input_bytes(kSeed, 2, kCount, DType::float32), DType::float32);
  REQUIRE(values.size() == kCount);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != double{input_value(kSeed, 2, i)}) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("whole numbers and ranges are drawn as documented, the same in a part as in the whole") {
  const TensorSpec indices{
      .name = "i", .shape = {1000}, .dtype = DType::int32, .stream = 3, .low = 5, .high = 12};
  const auto numbers = to_double(input_bytes(indices, kSeed), DType::int32);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double u = (double{input_value(kSeed, 3, i)} + 1) * 0x1p23;
    REQUIRE(numbers[i] == 5 + std::floor(u * 7 * 0x1p-24));
  }
  CHECK(*std::min_element(numbers.begin(), numbers.end()) == 5);
  CHECK(*std::max_element(numbers.begin(), numbers.end()) == 11);

  TensorSpec order{.name = "p", .shape = {30, 2}, .dtype = DType::int32, .stream = 4};
  order.distinct = true;
  auto places = to_double(input_bytes(order, kSeed), DType::int32);
  CHECK(places[1] != places[0] + 1);
  std::sort(places.begin(), places.end());
  for (std::size_t i = 0; i < places.size(); ++i) CHECK(places[i] == static_cast<double>(i));

  const TensorSpec wide{
      .name = "x", .shape = {5000}, .dtype = DType::float32, .stream = 0, .low = 0, .high = 4};
  const auto bytes = input_bytes(wide, kSeed);
  const auto values = to_double(bytes, DType::float32);
  CHECK(values[0] == doctest::Approx(2 * (0.780518293 + 1)));
  std::vector<std::byte> part(10 * 4);
  write_input(wide, kSeed, 4321, 10, part.data());
  CHECK(std::equal(part.begin(), part.end(), bytes.begin() + 4321 * 4));
}

TEST_CASE("a case is not stated in whole numbers") {
  CHECK_FALSE(make_case("gemm", DType::int32, {{"m", 1}, {"n", 1}, {"k", 1}}));
}

TEST_CASE("a right product passes and a wrong one does not") {
  const Case c = gemm(17, 33, 65);
  auto checker = find_workload("gemm")->make_checker(c, kSeed);
  CHECK(checker->check(product(c)).ok);

  SUBCASE("inputs rounded to float16 on the way") {
    CHECK_FALSE(checker->check(product(c, through_half)).ok);
  }
  SUBCASE("inputs cut to TF32 on the way") {
    CHECK_FALSE(checker->check(product(c, through_tf32)).ok);
  }
  SUBCASE("another seed's inputs") {
    CHECK_FALSE(find_workload("gemm")->make_checker(c, kSeed + 1)->check(product(c)).ok);
  }
  SUBCASE("another shape, dtype or size") {
    TensorData y = product(c);
    y.shape = {33, 17};
    CHECK_FALSE(checker->check(y).ok);
    y = product(c);
    y.dtype = DType::float16;
    CHECK_FALSE(checker->check(y).ok);
    y = product(c);
    y.bytes.resize(4);
    CHECK_FALSE(checker->check(y).ok);
  }
  SUBCASE("one NaN among the values") {
    TensorData y = product(c);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(y.bytes.data() + 40, &nan, 4);
    const CheckResult result = checker->check(y);
    CHECK_FALSE(result.ok);
    CHECK(result.detail.find("element 10") != std::string::npos);
  }
}

TEST_CASE("a product too large for a full reference is still checked over all outputs") {
  const Case c = gemm(4, 8, std::int64_t{1} << 20);
  REQUIRE(Gemm::shape(c).m * Gemm::shape(c).n * Gemm::shape(c).k <= std::int64_t{1} << 30);
  const Case large =
      gemm(40, 40, 1000000);  // beyond 1024 cubed, with few outputs: quick to make here
  auto checker = find_workload("gemm")->make_checker(large, kSeed);
  TensorData y = product(large);
  CHECK(checker->check(y).ok);
  CHECK(checker->check(y).method == "Freivalds' check + 256 dot products");
  std::memset(y.bytes.data(), 0, 16);  // four outputs dropped
  CHECK_FALSE(checker->check(y).ok);
}

TEST_CASE("memory outputs are checked by value") {
  constexpr std::int64_t kBytes = 1 << 20;
  const std::size_t n = kBytes / 4;
  std::vector<float> a(n), b(n), y(n);
  input_values(kSeed, 0, 0, a);
  input_values(kSeed, 1, 0, b);
  const auto check = [&](const char* op) {
    return find_workload("memory")
        ->make_checker(memory(op, kBytes), kSeed)
        ->check({.shape = {static_cast<std::int64_t>(n)},
                 .dtype = DType::float32,
                 .bytes = bytes_of(y)});
  };
  for (std::size_t i = 0; i < n; ++i) y[i] = -a[i];
  CHECK(check("copy").ok);
  y[n - 1] = a[n - 1];
  CHECK_FALSE(check("copy").ok);
  for (std::size_t i = 0; i < n; ++i) y[i] = a[i] + 3.0F * b[i];
  CHECK(check("triad").ok);
  for (std::size_t i = 0; i < n; ++i) y[i] = std::fma(3.0F, b[i], a[i]);
  CHECK(check("triad").ok);
  for (std::size_t i = 0; i < n; ++i) y[i] = 3.0F * a[i] + b[i];
  CHECK_FALSE(check("triad").ok);
  y.assign(n, 0.75F);
  CHECK(check("write").ok);

  double sum = 0;
  for (const float v : a) sum += double{v};
  auto reader = find_workload("memory")->make_checker(memory("read", kBytes), kSeed);
  const auto scalar = [](double v) {
    return TensorData{.shape = {},
                      .dtype = DType::float32,
                      .bytes = bytes_of(std::vector{static_cast<float>(v)})};
  };
  CHECK(reader->check(scalar(sum)).ok);
  double without_last_percent = 0;
  for (std::size_t i = 0; i < n - n / 100; ++i) without_last_percent += double{a[i]};
  CHECK_FALSE(reader->check(scalar(without_last_percent)).ok);
}

TEST_CASE("a variant is part of the id, survives JSON, and counts its copies as memory") {
  const auto c = make_case("memory", DType::float32, {{"op", "copy"}, {"bytes", 1024}},
                           {.independent = false, .cold_bytes = 5000});
  REQUIRE(c);
  CHECK(c->id == "memory/float32/copy_1KiB/cold");
  CHECK(label_of(*c) == "copy 1KiB, cold");
  CHECK(copies_of(*c) == 3);  // 2048 bytes each
  CHECK(memory_bytes_of(*c) == 3 * 2048);
  const auto read = case_from_json(to_json(*c));
  REQUIRE(read);
  CHECK(read->id == c->id);
  CHECK(read->variant.cold_bytes == 5000);

  const auto overlapped = make_case("memory", DType::float32, {{"op", "copy"}, {"bytes", 1024}},
                                    {.independent = true, .cold_bytes = 0});
  REQUIRE(overlapped);
  CHECK(overlapped->id == "memory/float32/copy_1KiB/independent");
  CHECK(copies_of(*overlapped) == 1);
  CHECK(case_from_json(to_json(*overlapped))->variant.independent);
  CHECK_FALSE(make_case("memory", DType::float32, {{"op", "copy"}, {"bytes", 1024}},
                        {.independent = false, .cold_bytes = -1}));
}

TEST_CASE("scale and add are checked element by element") {
  for (const char* op : {"scale", "add"}) {
    const auto c = make_case("memory", DType::float32, {{"op", op}, {"bytes", 1024}});
    REQUIRE(c);
    std::vector<float> a(256), b(256), y(256);
    input_values(5, 0, 0, a);
    input_values(5, 1, 0, b);
    const bool scale = std::string_view(op) == "scale";
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = scale ? 3.0F * a[i] : a[i] + b[i];
    const auto checker = find_workload("memory")->make_checker(*c, 5);
    const auto check = [&] {
      TensorData data{.shape = {256}, .dtype = DType::float32, .bytes = {}};
      const auto* bytes = reinterpret_cast<const std::byte*>(y.data());
      data.bytes.assign(bytes, bytes + 1024);
      return checker->check(data).ok;
    };
    CHECK(check());
    y[200] = std::nextafter(std::nextafter(y[200], 9.0F), 9.0F);
    CHECK_FALSE(check());
  }
}

TEST_CASE("a case that is measured alone is another case of the same work") {
  const auto c = make_case("gemm", DType::float32, {{"m", 8}, {"n", 8}, {"k", 8}}, {.alone = true});
  REQUIRE(c);
  CHECK(c->id == "gemm/float32/8/alone");
  CHECK(id_together(*c) == "gemm/float32/8");
  CHECK(label_of(*c).ends_with(", alone"));
  const auto read = case_from_json(to_json(*c));
  REQUIRE(read);
  CHECK(read->variant.alone);
  CHECK(id_together(*make_case("gemm", DType::float32, {{"m", 8}, {"n", 8}, {"k", 8}})) ==
        "gemm/float32/8");
}
