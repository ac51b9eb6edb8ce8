#include "workload/operation.hpp"

#include <cmath>

// Matrix products in the forms in which layers use them, and convolutions. A multiply-add counts 2.
namespace mlbench::workload {
namespace {

template <class... T>
double product(T... sizes) {
  return (static_cast<double>(sizes) * ...);
}
std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

double dot(const float* a, const float* b, std::size_t n) {
  double sums[4] = {0, 0, 0, 0};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::size_t j = 0; j < 4; ++j) sums[j] += double{a[i + j]} * double{b[i + j]};
  }
  for (; i < n; ++i) sums[0] += double{a[i]} * double{b[i]};
  return sums[0] + sums[1] + sums[2] + sums[3];
}

// linear: y [m, n] = x [m, k]·Wᵀ + b, W [n, k]

OperationSpec describe_linear(const Sizes& s, DType dtype) {
  return by_flop({tensor("x", {s[0], s[2]}, dtype), tensor("w", {s[1], s[2]}, dtype, 1),
                  tensor("b", {s[1]}, dtype, 2)},
                 tensor("y", {s[0], s[1]}, dtype), 2 * product(s[0], s[1], s[2]));
}

void expect_linear(const Reference& r, std::int64_t index, std::span<const double>,
                   std::span<Expected> out) {
  const std::size_t k = at(r.size[2]);
  for (std::size_t j = 0; j < out.size(); ++j) {
    const double y = dot(&r.inputs[0][at(index) * k], &r.inputs[1][j * k], k);
    const double b = double{r.inputs[2][j]};
    out[j] = {y + b,
              product_tolerance(r, y, r.size[2]) + 2 * r.u * (std::abs(y + b) + std::abs(b))};
  }
}

// gemv: y [n] = W [n, k]·x [k]

OperationSpec describe_gemv(const Sizes& s, DType dtype) {
  return by_bytes({tensor("w", {s[0], s[1]}, dtype, 1), tensor("x", {s[1]}, dtype)},
                  tensor("y", {s[0]}, dtype), 2 * product(s[0], s[1]));
}

void expect_gemv(const Reference& r, std::int64_t index, std::span<const double>,
                 std::span<Expected> out) {
  const std::size_t k = at(r.size[1]);
  const double y = dot(&r.inputs[0][at(index) * k], r.inputs[1].data(), k);
  out[0] = {y, product_tolerance(r, y, r.size[1])};
}

// batched: c [batch, m, n] = a [batch, m, k]·b [batch, k, n]

OperationSpec describe_batched(const Sizes& s, DType dtype) {
  return by_flop(
      {tensor("a", {s[0], s[1], s[3]}, dtype), tensor("b", {s[0], s[3], s[2]}, dtype, 1)},
      tensor("c", {s[0], s[1], s[2]}, dtype), 2 * product(s[0], s[1], s[2], s[3]));
}

void expect_batched(const Reference& r, std::int64_t index, std::span<const double>,
                    std::span<Expected> out) {
  const std::size_t n = out.size(), k = at(r.size[3]), batch = at(index / r.size[1]);
  std::vector<double> sums(n);
  for (std::size_t p = 0; p < k; ++p) {
    const double a = double{r.inputs[0][at(index) * k + p]};
    const float* b = &r.inputs[1][(batch * k + p) * n];
    for (std::size_t j = 0; j < n; ++j) sums[j] += a * double{b[j]};
  }
  for (std::size_t j = 0; j < n; ++j) out[j] = {sums[j], product_tolerance(r, sums[j], r.size[3])};
}

// quantised: y [m, n] = x [m, k]·Ŵᵀ, ŵ = (q - 2^(bits-1))·scale, one scale for each `group` columns
// of a row of W. Codes and scales are inputs, so that every framework multiplies by the same
// numbers. Traffic counts the codes at their bits and the scales in the dtype; see a result's notes
// for the bits that the framework really keeps.

OperationSpec describe_quantized(const Sizes& s, DType dtype) {
  const auto bits = s[0], group = s[1], m = s[2], n = s[3], k = s[4];
  auto spec = by_flop(
      {tensor("x", {m, k}, dtype),
       tensor("q", {n, k}, DType::int32, 1, 0, static_cast<double>(std::int64_t{1} << bits)),
       tensor("scales", {n, k / group}, dtype, 2, 0.005, 0.02)},
      tensor("y", {m, n}, dtype), 2 * product(m, n, k));
  const auto element = static_cast<double>(size_bytes(dtype));
  spec.work.bytes = (product(m, k) + product(m, n) + product(n, k / group)) * element +
                    product(n, k) * static_cast<double>(bits) / 8;
  return spec;
}

void expect_quantized(const Reference& r, std::int64_t index, std::span<const double>,
                      std::span<Expected> out) {
  const std::size_t group = at(r.size[1]), k = at(r.size[4]), groups = k / group;
  const double middle = static_cast<double>(std::int64_t{1} << (r.size[0] - 1));
  const double largest = middle * 0.02;
  // Weights may be rounded to the dtype before they are multiplied: k random errors of u.
  const double rounded = 1.5 * r.u * largest * std::sqrt(static_cast<double>(k));
  const float* x = &r.inputs[0][at(index) * k];
  for (std::size_t j = 0; j < out.size(); ++j) {
    double y = 0;
    for (std::size_t g = 0; g < groups; ++g) {
      double sum = 0;
      const float* q = &r.inputs[1][j * k + g * group];
      for (std::size_t p = 0; p < group; ++p)
        sum += double{x[g * group + p]} * (double{q[p]} - middle);
      y += sum * double{r.inputs[2][j * groups + g]};
    }
    out[j] = {y, product_tolerance(r, y, r.size[4], largest) + rounded};
  }
}

std::string refuse_quantized(const Sizes& s) {
  if (s[0] != 4 && s[0] != 8) return "bits must be 4 or 8";
  return s[4] % s[1] == 0 ? "" : "k must be a multiple of group";
}

// Convolutions with stride 1, padded so that the output is as long as the input. Channels are last:
// x [batch, length, channels], w [filters, width, channels], y [batch, length, filters].

OperationSpec describe_conv1d(const Sizes& s, DType dtype) {
  return by_flop(
      {tensor("x", {s[0], s[1], s[2]}, dtype), tensor("w", {s[3], s[4], s[2]}, dtype, 1)},
      tensor("y", {s[0], s[1], s[3]}, dtype), 2 * product(s[0], s[1], s[2], s[3], s[4]));
}

void expect_conv1d(const Reference& r, std::int64_t index, std::span<const double>,
                   std::span<Expected> out) {
  const auto length = r.size[1], channels = r.size[2], width = r.size[4];
  const auto batch = index / length, place = index % length;
  for (std::size_t f = 0; f < out.size(); ++f) {
    double y = 0;
    for (std::int64_t w = 0; w < width; ++w) {
      const auto from = place + w - width / 2;
      if (from < 0 || from >= length) continue;
      y += dot(&r.inputs[0][at((batch * length + from) * channels)],
               &r.inputs[1][at((static_cast<std::int64_t>(f) * width + w) * channels)],
               at(channels));
    }
    out[f] = {y, product_tolerance(r, y, width * channels)};
  }
}

OperationSpec describe_conv2d(const Sizes& s, DType dtype) {
  return by_flop({tensor("x", {s[0], s[1], s[2], s[3]}, dtype),
                  tensor("w", {s[4], s[5], s[5], s[3]}, dtype, 1)},
                 tensor("y", {s[0], s[1], s[2], s[4]}, dtype),
                 2 * product(s[0], s[1], s[2], s[3], s[4], s[5], s[5]));
}

void expect_conv2d(const Reference& r, std::int64_t index, std::span<const double>,
                   std::span<Expected> out) {
  const auto height = r.size[1], width = r.size[2], channels = r.size[3], kernel = r.size[5];
  const auto batch = index / (height * width), row = index / width % height, column = index % width;
  for (std::size_t f = 0; f < out.size(); ++f) {
    double y = 0;
    for (std::int64_t i = 0; i < kernel; ++i) {
      for (std::int64_t j = 0; j < kernel; ++j) {
        const auto from_row = row + i - kernel / 2, from = column + j - kernel / 2;
        if (from_row < 0 || from_row >= height || from < 0 || from >= width) continue;
        y += dot(
            &r.inputs[0][at(((batch * height + from_row) * width + from) * channels)],
            &r.inputs[1][at(((static_cast<std::int64_t>(f) * kernel + i) * kernel + j) * channels)],
            at(channels));
      }
    }
    out[f] = {y, product_tolerance(r, y, kernel * kernel * channels)};
  }
}

std::string refuse_even(std::int64_t width) {
  return width % 2 == 1 ? "" : "the kernel's width must be odd";
}

using Groups = std::vector<std::pair<std::string, std::vector<Sizes>>>;

Operation product_operation(std::string_view name, std::string_view title,
                            std::vector<std::string_view> params, std::vector<Sizes> sizes,
                            OperationSpec (*describe)(const Sizes&, DType),
                            decltype(Operation::expect) expect, decltype(Operation::part) part,
                            decltype(Operation::part_cost) cost) {
  Operation o;
  o.name = name;
  o.title = title;
  o.params = std::move(params);
  o.sizes = std::move(sizes);
  o.describe = describe;
  o.expect = expect;
  o.part = part;
  o.part_cost = cost;
  return o;
}

}  // namespace

std::vector<Operation> product_operations() {
  auto linear = product_operation(
      "linear", "Linear", {"m", "n", "k"}, {{16, 256, 256}, {128, 1024, 1024}, {512, 4096, 4096}},
      describe_linear, expect_linear, [](const Sizes& s) { return s[1]; },
      [](const Sizes& s) { return 2 * product(s[1], s[2]); });
  auto gemv = product_operation(
      "gemv", "GEMV", {"n", "k"}, {{512, 512}, {4096, 4096}, {14336, 4096}}, describe_gemv,
      expect_gemv, [](const Sizes&) { return std::int64_t{1}; },
      [](const Sizes& s) { return 2 * product(s[1]); });
  auto batched = product_operation(
      "batched_matmul", "Batched matmul", {"batch", "m", "n", "k"},
      {{4, 64, 64, 64}, {32, 256, 256, 256}, {64, 512, 512, 128}}, describe_batched, expect_batched,
      [](const Sizes& s) { return s[2]; }, [](const Sizes& s) { return 2 * product(s[2], s[3]); });
  auto conv1d = product_operation(
      "conv1d", "Conv1d", {"batch", "length", "channels", "filters", "width"},
      {{1, 256, 16, 16, 3}, {4, 1024, 128, 128, 5}}, describe_conv1d, expect_conv1d,
      [](const Sizes& s) { return s[3]; },
      [](const Sizes& s) { return 2 * product(s[2], s[3], s[4]); });
  conv1d.refuse = [](const Sizes& s) { return refuse_even(s[4]); };
  auto conv2d = product_operation(
      "conv2d", "Conv2d", {"batch", "height", "width", "channels", "filters", "kernel"},
      {{1, 16, 16, 8, 8, 3}, {4, 56, 56, 64, 64, 3}}, describe_conv2d, expect_conv2d,
      [](const Sizes& s) { return s[4]; },
      [](const Sizes& s) { return 2 * product(s[3], s[4], s[5], s[5]); });
  conv2d.refuse = [](const Sizes& s) { return refuse_even(s[5]); };
  conv2d.share.standard = 1;
  auto quantized = product_operation(
      "quantized_matmul", "Quantised matmul", {"bits", "group", "m", "n", "k"}, {},
      describe_quantized, expect_quantized, [](const Sizes& s) { return s[3]; },
      [](const Sizes& s) { return 2 * product(s[3], s[4]); });
  quantized.sizes = {{4, 64, 1, 512, 512},  {4, 64, 1, 4096, 4096},   {4, 64, 16, 4096, 4096},
                     {8, 512, 1, 512, 512}, {8, 4096, 1, 4096, 4096}, {8, 4096, 16, 4096, 4096}};
  quantized.refuse = refuse_quantized;
  return {linear, gemv, batched, conv1d, conv2d, quantized};
}

}  // namespace mlbench::workload
