#include "native/products.hpp"

#include "workload/input.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

using namespace mlbench::native;
using mlbench::workload::DType;

namespace {

/// A product with room behind its output that must stay untouched.
struct Problem {
  Problem(DType type, std::size_t m_rows, std::size_t n_columns, std::size_t depth)
      : dtype(type), m(m_rows), n(n_columns), k(depth) {
    using mlbench::workload::input_bytes;
    x = input_bytes(3, 0, static_cast<std::int64_t>(m * k), dtype);
    w = input_bytes(3, 1, static_cast<std::int64_t>(n * k), dtype);
    element_bytes = static_cast<std::size_t>(mlbench::workload::size_bytes(dtype));
    y.assign((m * n + kMargin) * element_bytes, std::byte{0xFF});
  }
  [[nodiscard]] Product product() {
    return {.m = m, .n = n, .k = k, .x = x.data(), .w = w.data(), .y = y.data()};
  }
  /// Against float64, with room for float32 sums of products below 1 and one rounding to the dtype.
  void check() const {
    const auto xs = mlbench::workload::to_double(x, dtype);
    const auto ws = mlbench::workload::to_double(w, dtype);
    const auto ys = mlbench::workload::to_double(y, dtype);
    const double u = mlbench::workload::unit_roundoff(dtype);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double expected = 0;
        for (std::size_t p = 0; p < k; ++p) expected += xs[i * k + p] * ws[j * k + p];
        CAPTURE(i);
        CAPTURE(j);
        REQUIRE(std::abs(ys[i * n + j] - expected) <=
                2 * u * std::abs(expected) + 2e-7 * static_cast<double>(k));
      }
    }
    for (std::size_t b = m * n * element_bytes; b < y.size(); ++b) {
      REQUIRE(y[b] == std::byte{0xFF});
    }
  }
  static constexpr std::size_t kMargin = 40;
  DType dtype;
  std::size_t m, n, k, element_bytes = 0;
  std::vector<std::byte> x, w, y;
};

constexpr DType kDtypes[] = {DType::float32, DType::float16, DType::bfloat16};
struct Shape {
  std::size_t m, n, k;
};
// Below, at and above every tile, group, strip and depth; the last two cross whole blocks.
constexpr Shape kShapes[] = {{1, 1, 1},     {1, 5, 33},   {2, 3, 31},   {7, 48, 64},
                             {8, 49, 65},   {9, 64, 15},  {16, 16, 16}, {17, 100, 97},
                             {31, 33, 200}, {5, 65, 403}, {530, 20, 5}, {3, 800, 9}};

}  // namespace

TEST_CASE("row loops give the product for every tail, and write nothing beyond it") {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const DType dtype : kDtypes) {
      for (const auto& loops : row_loops(dtype)) {
        for (const Shape& shape : kShapes) {
          CAPTURE(loops.name);
          CAPTURE(shape.m);
          CAPTURE(shape.n);
          CAPTURE(shape.k);
          Problem problem(dtype, shape.m, shape.n, shape.k);
          multiply_rows(loops, pool, problem.product());
          problem.check();
        }
      }
    }
  }
}

TEST_CASE("packed loops give the product for every tail, and write nothing beyond it") {
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    for (const DType dtype : kDtypes) {
      for (const auto& loops : packed_loops(dtype)) {
        PackedProduct packed(loops, pool);
        for (const Shape& shape : kShapes) {
          CAPTURE(loops.name);
          CAPTURE(shape.m);
          CAPTURE(shape.n);
          CAPTURE(shape.k);
          Problem problem(dtype, shape.m, shape.n, shape.k);
          packed.multiply(problem.product());
          problem.check();
        }
      }
    }
  }
}

TEST_CASE("threads share a product in tiles that are as square as their number allows") {
  CHECK(grid_for(1024, 1024, 4).rows == 2);
  CHECK(grid_for(1024, 1024, 4).columns == 2);
  CHECK(grid_for(8, 4096, 6).columns == 6);
  CHECK(grid_for(4096, 8, 6).rows == 6);
  CHECK(grid_for(100, 100, 1).rows == 1);
}
