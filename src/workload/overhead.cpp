#include "workload/operation.hpp"

#include <algorithm>

// What a call costs when there is next to nothing to compute: y = max(x, b) over a few elements,
// the output of a call being the x of the next, so that calls form a chain without any help.
//   overhead  many calls are submitted before the last one is waited for
//   latency   every call is waited for
namespace mlbench::workload {
namespace {

OperationSpec describe(const Sizes& s, DType dtype) {
  const auto x = tensor("x", {s[0]}, dtype);
  auto spec = by_bytes({x, tensor("b", {s[0]}, dtype, 1)}, tensor("y", {s[0]}, dtype),
                       static_cast<double>(s[0]));
  spec.work.unit = RateUnit::op_per_s;
  spec.work.ops = 1;
  return spec;
}

void expect(const Reference& r, std::int64_t index, std::span<const double>,
            std::span<Expected> out) {
  const auto i = static_cast<std::size_t>(index);
  out[0] = {std::max(double{r.inputs[0][i]}, double{r.inputs[1][i]}), 0};
}

Operation overhead(std::string_view name, std::string_view title, Share share) {
  Operation o;
  o.name = name;
  o.title = title;
  o.params = {"elements"};
  o.sizes = {{16}};
  o.describe = describe;
  o.part = [](const Sizes&) { return std::int64_t{1}; };
  o.part_cost = [](const Sizes&) { return 1.0; };
  o.expect = expect;
  o.share = share;
  return o;
}

}  // namespace

std::vector<Operation> overhead_operations() {
  return {overhead("overhead", "Small-operation overhead", {.quick = 1, .standard = 1}),
          overhead("latency", "Small operation, each waited for", {})};
}

}  // namespace mlbench::workload
