#include "workload/operation.hpp"

#include <algorithm>
#include <cmath>

// y = f(x), rated by traffic. Half-precision frameworks may round after each step of f, so the
// tolerance is a few round-offs of the largest number that occurs on the way.
namespace mlbench::workload {
namespace {

constexpr double kSteps = 16;

std::int64_t row(const Sizes& s) {
  return s[1];
}
double row_cost(const Sizes& s) {
  return 20 * static_cast<double>(s[1]);
}

template <int kFlop>
OperationSpec describe(const Sizes& s, DType dtype) {
  const auto x = tensor("x", {s[0], s[1]}, dtype, 0, -8, 8);
  return by_bytes({x}, tensor("y", x.shape, dtype),
                  kFlop * static_cast<double>(s[0]) * static_cast<double>(s[1]));
}

/// `f(x)` and the largest number on the way to it.
template <double (*f)(double), double (*largest)(double)>
void expect(const Reference& r, std::int64_t index, std::span<const double>,
            std::span<Expected> out) {
  const auto first = static_cast<std::size_t>(index) * out.size();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double x = double{r.inputs[0][first + i]};
    out[i] = {f(x), kSteps * r.u * largest(x) + least_roundoff(r.spec.output.dtype)};
  }
}

double relu(double x) {
  return std::max(x, 0.0);
}
double leaky_relu(double x) {
  return x > 0 ? x : 0.01 * x;
}
double relu6(double x) {
  return std::clamp(x, 0.0, 6.0);
}
double elu(double x) {
  return x > 0 ? x : std::expm1(x);
}
double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double silu(double x) {
  return x * sigmoid(x);
}
double gelu(double x) {
  return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
}
double softplus(double x) {
  return std::log1p(std::exp(x));
}

double size(double x) {
  return std::abs(x);
}
double size_and_one(double x) {
  return std::abs(x) + 1;
}

Operation activation(std::string_view name, std::string_view title,
                     OperationSpec (*description)(const Sizes&, DType),
                     decltype(Operation::expect) expectation) {
  Operation o;
  o.name = name;
  o.title = title;
  o.params = {"rows", "columns"};
  o.sizes = {{128, 1024}, {1024, 4096}, {4096, 4096}};
  o.describe = description;
  o.part = row;
  o.part_cost = row_cost;
  o.expect = expectation;
  return o;
}

/// y = (((x·x + c0)·x + c1)·x + c2)·x + c3: eight elementwise operations, each depending on the one
/// before.
OperationSpec describe_chain(const Sizes& s, DType dtype) {
  const auto x = tensor("x", {s[0], s[1]}, dtype);
  return by_bytes({x}, tensor("y", x.shape, dtype),
                  8 * static_cast<double>(s[0]) * static_cast<double>(s[1]));
}

void expect_chain(const Reference& r, std::int64_t index, std::span<const double>,
                  std::span<Expected> out) {
  const auto first = static_cast<std::size_t>(index) * out.size();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double x = double{r.inputs[0][first + i]};
    double y = x;
    for (const double c : kChainConstants) y = y * x + c;
    out[i] = {y, kSteps * r.u * 2};
  }
}

}  // namespace

std::vector<Operation> elementwise_operations() {
  std::vector<Operation> all = {
      activation("relu", "ReLU", describe<1>, expect<relu, size>),
      activation("leaky_relu", "Leaky ReLU", describe<2>, expect<leaky_relu, size>),
      activation("relu6", "ReLU6", describe<2>, expect<relu6, size>),
      activation("elu", "ELU", describe<3>, expect<elu, size_and_one>),
      activation("sigmoid", "Sigmoid", describe<4>, expect<sigmoid, sigmoid>),
      activation("silu", "SiLU", describe<5>, expect<silu, size>),
      activation("gelu", "GELU", describe<6>, expect<gelu, size_and_one>),
      activation("softplus", "Softplus", describe<4>, expect<softplus, size_and_one>),
      activation("chain_eager", "Elementwise chain, eager", describe_chain, expect_chain),
      activation("chain_compiled", "Elementwise chain, compiled", describe_chain, expect_chain)};
  return all;
}

}  // namespace mlbench::workload
