#include "workload/operation.hpp"

#include <algorithm>
#include <cmath>

// Operations along the rows of x [rows, columns] (or over all of it), and RoPE. Sums of half types
// are expected to be accumulated in float32, as the frameworks promise.
namespace mlbench::workload {
namespace {

double count(const Sizes& s) {
  return static_cast<double>(s[0]) * static_cast<double>(s[1]);
}
std::int64_t whole_row(const Sizes& s) {
  return s[1];
}
std::int64_t one(const Sizes&) {
  return 1;
}
double row_cost(const Sizes& s) {
  return 20 * static_cast<double>(s[1]);
}

std::span<const float> row_of(const Reference& r, std::int64_t index) {
  const auto columns = static_cast<std::size_t>(r.size[1]);
  return std::span(r.inputs[0]).subspan(static_cast<std::size_t>(index) * columns, columns);
}

/// log(sum(exp(row))) with the largest taken out.
double log_sum_exp(std::span<const float> row) {
  const double largest = double{*std::max_element(row.begin(), row.end())};
  double sum = 0;
  for (const float x : row) sum += std::exp(double{x} - largest);
  return largest + std::log(sum);
}

// softmax

OperationSpec describe_softmax(const Sizes& s, DType dtype) {
  const auto x = tensor("x", {s[0], s[1]}, dtype, 0, -4, 4);
  return by_bytes({x}, tensor("y", x.shape, dtype), 5 * count(s));
}

void expect_softmax(const Reference& r, std::int64_t index, std::span<const double>,
                    std::span<Expected> out) {
  const auto row = row_of(r, index);
  const double lse = log_sum_exp(row);
  const double relative = 24 * r.u + 8 * r.acc * std::sqrt(static_cast<double>(row.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double y = std::exp(double{row[i]} - lse);
    out[i] = {y, relative * y + least_roundoff(r.spec.output.dtype)};
  }
}

// normalisation: x̂ = (x - mean) / sqrt(variance + eps), or x / sqrt(mean square + eps), times w,
// plus b

template <bool kLayer>
OperationSpec describe_norm(const Sizes& s, DType dtype) {
  std::vector<TensorSpec> inputs = {tensor("x", {s[0], s[1]}, dtype, 0, -1, kLayer ? 3 : 1),
                                    tensor("w", {s[1]}, dtype, 1, 0.5, 1.5)};
  if (kLayer) inputs.push_back(tensor("b", {s[1]}, dtype, 2));
  return by_bytes(std::move(inputs), tensor("y", {s[0], s[1]}, dtype), (kLayer ? 8 : 4) * count(s));
}

template <bool kLayer>
void expect_norm(const Reference& r, std::int64_t index, std::span<const double>,
                 std::span<Expected> out) {
  const auto row = row_of(r, index);
  const auto n = static_cast<double>(row.size());
  double mean = 0, square = 0;
  if (kLayer) {
    for (const float x : row) mean += double{x} / n;
  }
  for (const float x : row) square += (double{x} - mean) * (double{x} - mean) / n;
  const double scale = 1 / std::sqrt(square + kNormEpsilon);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double w = double{r.inputs[1][i]};
    const double b = kLayer ? double{r.inputs[2][i]} : 0;
    const double scaled = (double{row[i]} - mean) * scale * w;
    out[i] = {scaled + b, 8 * r.u * (std::abs(scaled) + std::abs(b)) +
                              8 * r.acc * std::sqrt(n) * (std::abs(scaled) + w)};
  }
}

// argmax, along the rows. Several places may hold the largest number: any of them is right.

OperationSpec describe_argmax(const Sizes& s, DType dtype) {
  return by_bytes({tensor("x", {s[0], s[1]}, dtype)}, tensor("y", {s[0]}, DType::int32), count(s));
}

void expect_argmax(const Reference& r, std::int64_t index, std::span<const double> actual,
                   std::span<Expected> out) {
  const auto row = row_of(r, index);
  const auto best = std::max_element(row.begin(), row.end());
  out[0] = {static_cast<double>(best - row.begin()), 0};
  if (actual[0] >= 0 && actual[0] < static_cast<double>(row.size()) &&
      row[static_cast<std::size_t>(actual[0])] == *best)
    out[0].value = actual[0];
}

// sums: over all, over each row, over each column. For the tolerance see memory.cpp's read.

enum class Over { all, rows, columns };

template <Over kOver>
OperationSpec describe_sum(const Sizes& s, DType dtype) {
  std::vector<std::int64_t> shape;
  if (kOver == Over::rows) shape = {s[0]};
  if (kOver == Over::columns) shape = {s[1]};
  return by_bytes({tensor("x", {s[0], s[1]}, dtype)}, tensor("y", std::move(shape), dtype),
                  count(s));
}

Expected sum_of(const Reference& r, double sum, double n) {
  return {sum, 2 * r.u * std::abs(sum) + 8 * r.acc * n / std::sqrt(6.0)};
}

void expect_sum_all(const Reference& r, std::int64_t, std::span<const double>,
                    std::span<Expected> out) {
  double sum = 0;
  for (const float x : r.inputs[0]) sum += double{x};
  out[0] = sum_of(r, sum, count(r.size));
}

void expect_sum_rows(const Reference& r, std::int64_t index, std::span<const double>,
                     std::span<Expected> out) {
  double sum = 0;
  for (const float x : row_of(r, index)) sum += double{x};
  out[0] = sum_of(r, sum, static_cast<double>(r.size[1]));
}

void expect_sum_columns(const Reference& r, std::int64_t, std::span<const double>,
                        std::span<Expected> out) {
  std::vector<double> sums(out.size());
  for (std::int64_t i = 0; i < r.size[0]; ++i) {
    const auto row = row_of(r, i);
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += double{row[j]};
  }
  for (std::size_t j = 0; j < sums.size(); ++j)
    out[j] = sum_of(r, sums[j], static_cast<double>(r.size[0]));
}

// sort, along the rows, ascending

OperationSpec describe_sort(const Sizes& s, DType dtype) {
  const auto x = tensor("x", {s[0], s[1]}, dtype);
  return by_bytes({x}, tensor("y", x.shape, dtype),
                  count(s) * std::log2(static_cast<double>(s[1]) + 1));
}

void expect_sort(const Reference& r, std::int64_t index, std::span<const double>,
                 std::span<Expected> out) {
  const auto row = row_of(r, index);
  std::vector<float> sorted(row.begin(), row.end());
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = {double{sorted[i]}, 0};
}

// cross-entropy of each row's logits with the row's target class

OperationSpec describe_cross_entropy(const Sizes& s, DType dtype) {
  return by_bytes({tensor("logits", {s[0], s[1]}, dtype, 0, -4, 4),
                   tensor("targets", {s[0]}, DType::int32, 1, 0, static_cast<double>(s[1]))},
                  tensor("loss", {s[0]}, dtype), 5 * count(s));
}

void expect_cross_entropy(const Reference& r, std::int64_t index, std::span<const double>,
                          std::span<Expected> out) {
  const auto row = row_of(r, index);
  const double lse = log_sum_exp(row);
  const double x =
      double{row[static_cast<std::size_t>(r.inputs[1][static_cast<std::size_t>(index)])]};
  out[0] = {lse - x, 8 * r.u * (std::abs(lse) + std::abs(x)) +
                         8 * r.acc * std::sqrt(static_cast<double>(row.size()))};
}

// RoPE in the layout of Hugging Face: halves of a head are rotated against each other.
// J. Su et al., "RoFormer", 2021: angle of pair i at position p is p·base^(-2i/dim).

OperationSpec describe_rope(const Sizes& s, DType dtype) {
  const auto x = tensor("x", {s[0], s[1], s[2], s[3]}, dtype);
  double elements = 1;
  for (const auto extent : s) elements *= static_cast<double>(extent);
  return by_bytes({x}, tensor("y", x.shape, dtype), 3 * elements);
}

void expect_rope(const Reference& r, std::int64_t index, std::span<const double>,
                 std::span<Expected> out) {
  const auto half = out.size() / 2;
  const auto position = static_cast<double>(index % r.size[2]);
  const float* x = r.inputs[0].data() + static_cast<std::size_t>(index) * out.size();
  for (std::size_t i = 0; i < half; ++i) {
    const double angle = position * std::pow(kRopeBase, -2 * static_cast<double>(i) /
                                                            static_cast<double>(out.size()));
    const double a = double{x[i]}, b = double{x[i + half]};
    // Frameworks compute angles in float32; cosines may be kept in the dtype.
    const double tolerance = (8 * r.u + 32 * r.acc * (angle + 1)) * (std::abs(a) + std::abs(b));
    out[i] = {a * std::cos(angle) - b * std::sin(angle), tolerance};
    out[i + half] = {b * std::cos(angle) + a * std::sin(angle), tolerance};
  }
}

Operation rows(std::string_view name, std::string_view title,
               OperationSpec (*describe)(const Sizes&, DType), decltype(Operation::part) part,
               decltype(Operation::expect) expect) {
  Operation o;
  o.name = name;
  o.title = title;
  o.params = {"rows", "columns"};
  o.sizes = {{128, 1024}, {1024, 4096}, {4096, 4096}};
  o.describe = describe;
  o.part = part;
  o.part_cost = row_cost;
  o.expect = expect;
  return o;
}

}  // namespace

std::vector<Operation> row_operations() {
  std::vector<Operation> all = {
      rows("rms_norm", "RMSNorm", describe_norm<false>, whole_row, expect_norm<false>),
      rows("layer_norm", "LayerNorm", describe_norm<true>, whole_row, expect_norm<true>),
      rows("softmax", "Softmax", describe_softmax, whole_row, expect_softmax),
      rows("argmax", "Argmax", describe_argmax, one, expect_argmax),
      rows("sum_all", "Sum of all", describe_sum<Over::all>, one, expect_sum_all),
      rows("sum_rows", "Sum of rows", describe_sum<Over::rows>, one, expect_sum_rows),
      rows("sum_columns", "Sum of columns", describe_sum<Over::columns>, whole_row,
           expect_sum_columns),
      rows("sort", "Sort", describe_sort, whole_row, expect_sort),
      rows("cross_entropy", "Cross-entropy", describe_cross_entropy, one, expect_cross_entropy)};
  all[0].share.standard = 1;  // rms_norm
  all[2].share.standard = 1;  // softmax
  all.back().sizes = {{64, 1024}, {512, 32000}};
  Operation rope = rows(
      "rope", "RoPE", describe_rope, [](const Sizes& s) { return s[3]; }, expect_rope);
  rope.params = {"batch", "heads", "length", "dim"};
  rope.sizes = {{1, 4, 64, 64}, {1, 32, 512, 128}, {1, 32, 4096, 128}};
  rope.part_cost = [](const Sizes& s) { return 100 * static_cast<double>(s[3]); };
  rope.refuse = [](const Sizes& s) { return std::string(s[3] % 2 == 0 ? "" : "dim must be even"); };
  all.push_back(rope);
  return all;
}

}  // namespace mlbench::workload
