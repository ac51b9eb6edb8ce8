#include "workload/workload.hpp"

#include "workload/gemm.hpp"
#include "workload/language.hpp"
#include "workload/memory.hpp"
#include "workload/operation.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <numeric>

namespace mlbench::workload {
namespace {

const Workload& workload_of(const Case& c) {
  const Workload* found = find_workload(c.workload);
  assert(found != nullptr && "cases are made by make_case()");
  return *found;
}

constexpr std::string_view kAlone = "/alone";

std::int64_t bytes_of_one_copy(const Case& c) {
  std::int64_t bytes = output_of(c).bytes();
  for (const TensorSpec& input : inputs_of(c)) bytes += input.bytes();
  return bytes;
}

Status validate(const Variant& variant) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;
  if (variant.cold_bytes >= 0 && variant.cold_bytes <= kMostBytes) return Done{};
  return fail(ErrorKind::usage, "cold_bytes must be between 0 and 1 TiB");
}

}  // namespace

std::span<const Workload* const> workloads() {
  static const Gemm gemm;
  static const TransformerBlock block;
  static const Prefill prefill;
  static const Decode decode;
  static const Memory memory;
  static const std::vector<const Workload*> all = [] {
    static const std::vector<OperationWorkload> operation_workloads(operations().begin(),
                                                                    operations().end());
    std::vector<const Workload*> list = {&gemm, &block, &prefill, &decode, &memory};
    for (const auto& operation : operation_workloads) list.push_back(&operation);
    return list;
  }();
  return all;
}

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
  for (const Workload* w : workloads()) {
    if (w->name() == name) return w;
  }
  return nullptr;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const Workload* w : workloads()) names.emplace_back(w->name());
  return names;
}

Result<Case> make_case(std::string_view workload, DType dtype, Json params, Variant variant) {
  const Workload* found = find_workload(workload);
  if (found == nullptr) {
    return fail(ErrorKind::usage, "no workload is called \"" + std::string(workload) + "\"");
  }
  if (dtype == DType::int32)
    return fail(ErrorKind::usage, "cases are stated in floating-point dtypes, not in int32");
  Case c{.id = {},
         .workload = std::string(workload),
         .dtype = dtype,
         .params = std::move(params),
         .variant = variant};
  if (auto valid = found->validate(c); !valid) return std::move(valid).error().in(workload);
  if (auto valid = validate(variant); !valid) return valid.error();
  c.id = c.workload + "/" + std::string(name_of(dtype)) + "/" + found->shape_id(c);
  if (variant.cold_bytes > 0) c.id += "/cold";
  if (variant.independent) c.id += "/independent";
  if (variant.alone) c.id += kAlone;
  return c;
}

std::string id_together(const Case& c) {
  return c.variant.alone ? c.id.substr(0, c.id.size() - kAlone.size()) : c.id;
}

Json to_json(const Case& c) {
  Json json = {{"workload", c.workload}, {"dtype", name_of(c.dtype)}, {"params", c.params}};
  if (c.variant.independent) json["variant"]["independent"] = true;
  if (c.variant.cold_bytes > 0) json["variant"]["cold_bytes"] = c.variant.cold_bytes;
  if (c.variant.alone) json["variant"]["alone"] = true;
  return json;
}

Result<Case> case_from_json(const Json& json) {
  const auto workload = get_string(json, "workload");
  if (!workload) return workload.error();
  const auto dtype_name = get_string(json, "dtype");
  if (!dtype_name) return dtype_name.error();
  const auto dtype = parse_dtype(*dtype_name);
  if (!dtype) return fail(ErrorKind::usage, "no dtype is called \"" + *dtype_name + "\"");
  const auto params = json.find("params");
  return make_case(*workload, *dtype, params == json.end() ? Json::object() : *params,
                   variant_from_json(json));
}

Variant variant_from_json(const Json& json) {
  Variant variant;
  if (const auto it = json.find("variant"); it != json.end() && it->is_object()) {
    variant.independent = find_bool(*it, "independent").value_or(false);
    variant.cold_bytes = std::max<std::int64_t>(0, find_int(*it, "cold_bytes").value_or(0));
    variant.alone = find_bool(*it, "alone").value_or(false);
  }
  return variant;
}

std::string label_of(const Case& c) {
  const Workload* found = find_workload(c.workload);
  if (found == nullptr || !found->validate(c)) return c.id;
  return found->label(c) + (c.variant.cold_bytes > 0 ? ", cold" : "") +
         (c.variant.independent ? ", independent" : "") + (c.variant.alone ? ", alone" : "");
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

std::int64_t workspace_bytes_of(const Case& c) {
  return workload_of(c).workspace_bytes(c);
}

std::int64_t copies_of(const Case& c) {
  if (c.variant.cold_bytes <= 0) return 1;
  const std::int64_t bytes = std::max<std::int64_t>(1, bytes_of_one_copy(c));
  return std::max<std::int64_t>(2, (c.variant.cold_bytes + bytes - 1) / bytes);
}

std::int64_t memory_bytes_of(const Case& c) {
  return bytes_of_one_copy(c) * copies_of(c) + workspace_bytes_of(c) +
         (is_language(c.workload) ? language_bytes(c) : 0);
}

}  // namespace mlbench::workload
