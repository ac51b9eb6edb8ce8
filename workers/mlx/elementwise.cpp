#include "mlx/fused.hpp"
#include "mlx/operation.hpp"
#include "workload/operation.hpp"

#include <mlx/compile.h>
#include <mlx/ops.h>

#include <algorithm>
#include <array>

namespace mlbench::mlx_worker {
namespace {

using Arrays = std::vector<mx::array>;

/// Of x's dtype: a plain float would turn half-precision results into float32.
mx::array scalar(double value, const mx::array& x) {
  return mx::array(value, x.dtype());
}

Arrays relu(const Arrays& in) {
  return {mx::maximum(in[0], scalar(0, in[0]))};
}
Arrays leaky_relu(const Arrays& in) {
  return {mx::maximum(mx::multiply(scalar(0.01, in[0]), in[0]), in[0])};
}
Arrays relu6(const Arrays& in) {
  return {mx::minimum(mx::maximum(in[0], scalar(0, in[0])), scalar(6, in[0]))};
}
Arrays elu(const Arrays& in) {
  return {mx::where(mx::greater(in[0], scalar(0, in[0])), in[0], mx::expm1(in[0]))};
}
Arrays sigmoid(const Arrays& in) {
  return {mx::sigmoid(in[0])};
}
Arrays silu(const Arrays& in) {
  return {mx::multiply(in[0], mx::sigmoid(in[0]))};
}
Arrays gelu(const Arrays& in) {
  const auto erf = mx::erf(mx::multiply(in[0], scalar(0.70710678118654752, in[0])));
  return {mx::multiply(mx::multiply(in[0], mx::add(erf, scalar(1, in[0]))), scalar(0.5, in[0]))};
}
Arrays softplus(const Arrays& in) {
  return {mx::logaddexp(in[0], scalar(0, in[0]))};
}
Arrays chain(const Arrays& in) {
  mx::array y = in[0];
  for (const double c : workload::kChainConstants)
    y = mx::add(mx::multiply(y, in[0]), scalar(c, y));
  return {y};
}

/// `fuse`: of several operations, which mlx.nn compiles into one.
struct Row {
  std::string_view name, kernel;
  Arrays (*function)(const Arrays&);
  bool fuse;
};
constexpr std::array kRows = {Row{"relu", "mx::maximum(x, 0)", relu, false},
                              Row{"leaky_relu", "maximum(0.01*x, x)", leaky_relu, true},
                              Row{"relu6", "minimum(maximum(x, 0), 6)", relu6, true},
                              Row{"elu", "where(x > 0, x, expm1(x))", elu, true},
                              Row{"sigmoid", "mx::sigmoid", sigmoid, false},
                              Row{"silu", "x*sigmoid(x)", silu, true},
                              Row{"gelu", "x*(1 + erf(x/sqrt(2)))/2", gelu, true},
                              Row{"softplus", "mx::logaddexp(x, 0)", softplus, false},
                              Row{"chain_eager", "4 x (mx::multiply, mx::add)", chain, false},
                              Row{"chain_compiled", "4 x (multiply, add)", chain, true}};

}  // namespace

Result<Operation> make_elementwise(const workload::Case& c, Arrays inputs, mx::Device device) {
  const Row& row =
      *std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == c.workload; });
  Operation operation;
  operation.inputs = std::move(inputs);
  operation.facts.kernel = row.kernel;
  if (row.fuse && can_fuse(device)) {
    operation.facts.kernel = "mx::compile(" + std::string(row.kernel) + ")";
    operation.call = [fused = mx::compile(row.function)](const Arrays& in) { return fused(in)[0]; };
    return operation;
  }
  if (row.fuse && c.workload == "chain_compiled")
    return fail(ErrorKind::unsupported, why_not_fused());
  if (row.fuse) operation.facts.notes.push_back("not fused: " + why_not_fused());
  operation.call = [function = row.function](const Arrays& in) { return function(in)[0]; };
  return operation;
}

std::vector<std::string_view> elementwise_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace mlbench::mlx_worker
