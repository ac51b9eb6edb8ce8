#include "native/stream.hpp"

#include "workload/input.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace mlbench::native;

namespace {

// Around every vector width and unrolling: empty, tails, and more than one block of a sum.
constexpr std::size_t kSizes[] = {0, 1, 3, 7, 8, 15, 16, 17, 63, 64, 127, 129, 1000, 4096, 9001};
constexpr std::size_t kOffsets[] = {0, 1, 5};  // elements past an aligned address

/// 64-byte aligned, `margin` untouched elements at both ends.
struct Array {
  static constexpr std::size_t kMargin = 32;
  explicit Array(std::size_t n, std::size_t offset)
      : storage(n + 2 * kMargin + offset + 16, std::numeric_limits<float>::quiet_NaN()) {
    const auto past = reinterpret_cast<std::uintptr_t>(storage.data()) % 64 / sizeof(float);
    first = (past == 0 ? 0 : 16 - past) + kMargin / 2 + offset;
  }
  float* data() { return storage.data() + first; }
  /// How many elements are not NaN any more.
  [[nodiscard]] std::size_t written() const {
    std::size_t count = 0;
    for (const float v : storage) count += std::isnan(v) ? 0U : 1U;
    return count;
  }
  std::vector<float> storage;
  std::size_t first = 0;
};

template <class Check>
void for_all(const Check& check) {
  for (const auto& loops : stream_loops()) {
    for (const auto n : kSizes) {
      for (const auto offset : kOffsets) {
        CAPTURE(loops.name);
        CAPTURE(n);
        CAPTURE(offset);
        Array a(n, 0), b(n, 0), y(n, offset);
        mlbench::workload::input_values(7, 0, 0, {a.data(), n});
        mlbench::workload::input_values(7, 1, 0, {b.data(), n});
        check(loops, a.data(), b.data(), y, n);
      }
    }
  }
}

}  // namespace

TEST_CASE("copy negates every element and writes no other") {
  for_all([](const StreamLoops& loops, const float* a, const float*, Array& y, std::size_t n) {
    loops.copy(a, y.data(), n);
    for (std::size_t i = 0; i < n; ++i) REQUIRE(y.data()[i] == -a[i]);
    REQUIRE(y.written() == n);
  });
}

TEST_CASE("write fills every element and no other") {
  for_all([](const StreamLoops& loops, const float*, const float*, Array& y, std::size_t n) {
    loops.write(y.data(), n);
    for (std::size_t i = 0; i < n; ++i) REQUIRE(y.data()[i] == 0.75F);
    REQUIRE(y.written() == n);
  });
}

TEST_CASE("triad is a + 3 b within one rounding and writes no other element") {
  for_all([](const StreamLoops& loops, const float* a, const float* b, Array& y, std::size_t n) {
    loops.triad(a, b, y.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      REQUIRE(std::abs(double{y.data()[i]} - (double{a[i]} + 3 * double{b[i]})) <= 4.0 / (1 << 23));
    }
    REQUIRE(y.written() == n);
  });
}

TEST_CASE("sum adds every element once") {
  for_all([](const StreamLoops& loops, const float* a, const float*, Array&, std::size_t n) {
    double expected = 0;
    for (std::size_t i = 0; i < n; ++i) expected += double{a[i]};
    REQUIRE(std::abs(loops.sum(a, n) - expected) < 1e-3);
    // Small whole numbers have one right answer, which one element more or less would change.
    const std::vector<float> ones(n, 1.0F);
    REQUIRE(loops.sum(ones.data(), n) == static_cast<double>(n));
  });
}

TEST_CASE("sum stays exact where float32 alone would stop counting") {
  const std::vector<float> ones((std::size_t{1} << 24) + 5, 1.0F);
  for (const auto& loops : stream_loops()) {
    CAPTURE(loops.name);
    CHECK(loops.sum(ones.data(), ones.size()) == static_cast<double>(ones.size()));
  }
}

TEST_CASE("scale and add compute every element and write no other") {
  for_all([](const StreamLoops& loops, const float* a, const float* b, Array& y, std::size_t n) {
    loops.scale(a, y.data(), n);
    for (std::size_t i = 0; i < n; ++i) REQUIRE(y.data()[i] == 3.0F * a[i]);
    CHECK(y.written() == n);
    loops.add(a, b, y.data(), n);
    for (std::size_t i = 0; i < n; ++i) REQUIRE(y.data()[i] == a[i] + b[i]);
    CHECK(y.written() == n);
  });
}
