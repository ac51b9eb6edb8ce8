#include "workload/workload.hpp"

#include "workload/gemm.hpp"
#include "workload/memory.hpp"

#include <array>
#include <cassert>
#include <numeric>

namespace mlbench::workload {
namespace {

std::span<const Workload* const> registry() {
  static const Gemm gemm;
  static const Memory memory;
  static const std::array<const Workload*, 2> all = {&gemm, &memory};
  return all;
}

const Workload& workload_of(const Case& c) {
  const Workload* found = find_workload(c.workload);
  assert(found != nullptr && "cases are made by make_case()");
  return *found;
}

}  // namespace

std::string_view name_of(RateUnit unit) noexcept {
  switch (unit) {
    case RateUnit::flop_per_s: return "flop_per_s";
    case RateUnit::bytes_per_s: return "bytes_per_s";
    case RateUnit::tokens_per_s: return "tokens_per_s";
    case RateUnit::op_per_s: return "op_per_s";
  }
  return "op_per_s";
}

double Work::amount() const {
  switch (unit) {
    case RateUnit::flop_per_s: return flop;
    case RateUnit::bytes_per_s: return bytes;
    case RateUnit::tokens_per_s: return tokens;
    case RateUnit::op_per_s: return ops;
  }
  return 0;
}

std::int64_t TensorSpec::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

const Workload* find_workload(std::string_view name) noexcept {
  for (const Workload* w : registry()) {
    if (w->name() == name) return w;
  }
  return nullptr;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const Workload* w : registry()) names.emplace_back(w->name());
  return names;
}

Result<Case> make_case(std::string_view workload, DType dtype, Json params) {
  const Workload* found = find_workload(workload);
  if (found == nullptr) {
    return fail(ErrorKind::usage, "no workload is called \"" + std::string(workload) + "\"");
  }
  Case c{.id = {}, .workload = std::string(workload), .dtype = dtype, .params = std::move(params)};
  if (auto valid = found->validate(c); !valid) return std::move(valid).error().in(workload);
  c.id = c.workload + "/" + std::string(name_of(dtype)) + "/" + found->shape_id(c);
  return c;
}

Json to_json(const Case& c) {
  return {{"workload", c.workload}, {"dtype", name_of(c.dtype)}, {"params", c.params}};
}

Result<Case> case_from_json(const Json& json) {
  const auto workload = get_string(json, "workload");
  if (!workload) return workload.error();
  const auto dtype_name = get_string(json, "dtype");
  if (!dtype_name) return dtype_name.error();
  const auto dtype = parse_dtype(*dtype_name);
  if (!dtype) return fail(ErrorKind::usage, "no dtype is called \"" + *dtype_name + "\"");
  const auto params = json.find("params");
  return make_case(*workload, *dtype, params == json.end() ? Json::object() : *params);
}

std::string label_of(const Case& c) {
  const Workload* found = find_workload(c.workload);
  return found != nullptr && found->validate(c) ? found->label(c) : c.id;
}
Work work_of(const Case& c) {
  return workload_of(c).work(c);
}
std::vector<TensorSpec> inputs_of(const Case& c) {
  return workload_of(c).inputs(c);
}
TensorSpec output_of(const Case& c) {
  return workload_of(c).output(c);
}

std::int64_t memory_bytes_of(const Case& c) {
  std::int64_t bytes = output_of(c).bytes();
  for (const TensorSpec& input : inputs_of(c)) bytes += input.bytes();
  return bytes;
}

}  // namespace mlbench::workload
