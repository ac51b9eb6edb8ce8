#include "workload/operation.hpp"

#include <algorithm>
#include <cmath>

// Operations that move rows or elements to or from places given by int32 indices, and concat. All
// but scatter_add are exact.
namespace mlbench::workload {
namespace {

double product(std::int64_t a, std::int64_t b) {
  return static_cast<double>(a) * static_cast<double>(b);
}
std::int64_t second(const Sizes& s) {
  return s[1];
}
double row_cost(const Sizes& s) {
  return 4 * static_cast<double>(s[1]);
}

// y[i, j] = x[i, index[i, j]]

OperationSpec describe_gather(const Sizes& s, DType dtype) {
  return by_bytes({tensor("x", {s[0], s[1]}, dtype),
                   tensor("index", {s[0], s[1]}, DType::int32, 1, 0, static_cast<double>(s[1]))},
                  tensor("y", {s[0], s[1]}, dtype), 0);
}

void expect_gather(const Reference& r, std::int64_t index, std::span<const double>,
                   std::span<Expected> out) {
  const auto first = static_cast<std::size_t>(index) * out.size();
  for (std::size_t j = 0; j < out.size(); ++j) {
    out[j] = {double{r.inputs[0][first + static_cast<std::size_t>(r.inputs[1][first + j])]}, 0};
  }
}

// y[i, :] = table[tokens[i], :]. Of the table only the rows that are taken count as traffic.

OperationSpec describe_embedding(const Sizes& s, DType dtype) {
  auto spec = by_bytes({tensor("table", {s[1], s[2]}, dtype),
                        tensor("tokens", {s[0]}, DType::int32, 1, 0, static_cast<double>(s[1]))},
                       tensor("y", {s[0], s[2]}, dtype), 0);
  spec.work.bytes = 2 * product(s[0], s[2]) * static_cast<double>(size_bytes(dtype)) +
                    4 * static_cast<double>(s[0]);
  return spec;
}

void expect_embedding(const Reference& r, std::int64_t index, std::span<const double>,
                      std::span<Expected> out) {
  const auto token = static_cast<std::size_t>(r.inputs[1][static_cast<std::size_t>(index)]);
  for (std::size_t j = 0; j < out.size(); ++j)
    out[j] = {double{r.inputs[0][token * out.size() + j]}, 0};
}

// y = x with the rows index[u] set to, raised by, or at least the rows of updates [updates,
// columns]. Only for set may no index come twice: the order of updates is nobody's promise.

enum class Scatter { set, add, max };

template <Scatter kOp>
OperationSpec describe_scatter(const Sizes& s, DType dtype) {
  auto index = tensor("index", {s[2]}, DType::int32, 1, 0, static_cast<double>(s[0]));
  index.distinct = kOp == Scatter::set;
  return by_bytes(
      {tensor("x", {s[0], s[1]}, dtype), index, tensor("updates", {s[2], s[1]}, dtype, 2)},
      tensor("y", {s[0], s[1]}, dtype), kOp == Scatter::set ? 0 : product(s[2], s[1]));
}

template <Scatter kOp>
void expect_scatter(const Reference& r, std::int64_t index, std::span<const double>,
                    std::span<Expected> out) {
  const std::size_t n = out.size();
  std::vector<double> size(n);
  double updates = 0;
  for (std::size_t j = 0; j < n; ++j) {
    out[j] = {double{r.inputs[0][static_cast<std::size_t>(index) * n + j]}, 0};
    size[j] = std::abs(out[j].value);
  }
  for (std::size_t u = 0; u < r.inputs[1].size(); ++u) {
    if (static_cast<std::int64_t>(r.inputs[1][u]) != index) continue;
    ++updates;
    for (std::size_t j = 0; j < n; ++j) {
      const double v = double{r.inputs[2][u * n + j]};
      if (kOp == Scatter::set) out[j].value = v;
      if (kOp == Scatter::add) out[j].value += v;
      if (kOp == Scatter::max) out[j].value = std::max(out[j].value, v);
      size[j] += std::abs(v);
    }
  }
  if (kOp != Scatter::add) return;
  for (std::size_t j = 0; j < n; ++j) out[j].tolerance = updates * r.u * size[j];
}

// y = [a, b], side by side

OperationSpec describe_concat(const Sizes& s, DType dtype) {
  return by_bytes({tensor("a", {s[0], s[1]}, dtype), tensor("b", {s[0], s[1]}, dtype, 1)},
                  tensor("y", {s[0], 2 * s[1]}, dtype), 0);
}

void expect_concat(const Reference& r, std::int64_t index, std::span<const double>,
                   std::span<Expected> out) {
  const std::size_t n = out.size() / 2, first = static_cast<std::size_t>(index) * n;
  for (std::size_t j = 0; j < n; ++j) {
    out[j] = {double{r.inputs[0][first + j]}, 0};
    out[n + j] = {double{r.inputs[1][first + j]}, 0};
  }
}

Operation index_operation(std::string_view name, std::string_view title,
                          std::vector<std::string_view> params, std::vector<Sizes> sizes,
                          OperationSpec (*describe)(const Sizes&, DType),
                          decltype(Operation::expect) expect) {
  Operation o;
  o.name = name;
  o.title = title;
  o.params = std::move(params);
  o.sizes = std::move(sizes);
  o.describe = describe;
  o.part = second;
  o.part_cost = row_cost;
  o.expect = expect;
  return o;
}

template <Scatter kOp>
Operation scatter(std::string_view name, std::string_view title) {
  auto o = index_operation(name, title, {"rows", "columns", "updates"},
                           {{256, 256, 128}, {4096, 1024, 2048}}, describe_scatter<kOp>,
                           expect_scatter<kOp>);
  o.part_cost = [](const Sizes& s) {
    return static_cast<double>(s[2]) + 4 * static_cast<double>(s[1]);
  };
  if (kOp == Scatter::set) {
    // The indices are a permutation of the updates, so they stay inside x.
    o.refuse = [](const Sizes& s) {
      return std::string(s[2] <= s[0] ? "" : "updates must be at most rows");
    };
  }
  return o;
}

}  // namespace

std::vector<Operation> index_operations() {
  const std::vector<Sizes> planes = {{128, 1024}, {1024, 4096}, {4096, 4096}};
  std::vector<Operation> all = {
      index_operation("embedding", "Embedding", {"tokens", "vocabulary", "dim"},
                      {{64, 1024, 256}, {4096, 32000, 512}}, describe_embedding, expect_embedding),
      index_operation("gather", "Gather", {"rows", "columns"}, planes, describe_gather,
                      expect_gather),
      scatter<Scatter::set>("scatter_set", "Scatter, set"),
      scatter<Scatter::add>("scatter_add", "Scatter, add"),
      scatter<Scatter::max>("scatter_max", "Scatter, max"),
      index_operation("concat", "Concat", {"rows", "columns"}, planes, describe_concat,
                      expect_concat)};
  all[0].part = [](const Sizes& s) { return s[2]; };
  all[0].part_cost = [](const Sizes& s) { return 4 * static_cast<double>(s[2]); };
  all.back().part = [](const Sizes& s) { return 2 * s[1]; };
  return all;
}

}  // namespace mlbench::workload
