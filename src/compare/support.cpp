#include "compare/support.hpp"

#include "compare/verdicts.hpp"
#include "core/units.hpp"

#include <algorithm>
#include <unordered_map>

namespace mlbench::compare {
namespace {

using store::CaseStatus;
using store::SupportRecord;

/// nullopt: it was not executed.
std::optional<std::string> support_of(const store::Cell& cell) {
  switch (cell.status) {
    case CaseStatus::wrong_result: return "wrong";
    case CaseStatus::ok:
    case CaseStatus::skipped: break;  // out of time, perhaps after it was executed and checked
    default: return std::string(name_of(cell.status));
  }
  if (!cell.check && cell.blocks.empty()) return std::nullopt;
  const bool on_cpu =
      std::find(cell.flags.begin(), cell.flags.end(), "fallback") != cell.flags.end();
  return on_cpu ? "fallback" : "native";
}

void mark_slow(std::vector<SupportRecord>& records, const std::vector<TimedCase>& cases) {
  const auto ratios = float32_ratios(cases);
  for (std::size_t i = 0; i < records.size(); ++i) {
    SupportRecord& r = records[i];
    if (!ratios[i] || *ratios[i] <= kSlowFactor || r.support != "native") continue;
    r.support = "slow";
    r.reason = slow_reason(*ratios[i]);
  }
}

}  // namespace

std::vector<std::optional<double>> float32_ratios(const std::vector<TimedCase>& cases) {
  const auto key = [](const TimedCase& c) {
    return c.subject + '\n' + c.definition->workload + '\n' + dump_json(c.definition->params);
  };
  const auto is_float32 = [](const TimedCase& c) {
    return c.definition->dtype == workload::DType::float32;
  };
  std::unordered_map<std::string, double> float32_s;
  for (const TimedCase& c : cases) {
    if (is_float32(c) && c.call_s) float32_s.try_emplace(key(c), *c.call_s);
  }
  std::vector<std::optional<double>> ratios(cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto base = float32_s.find(key(cases[i]));
    if (base == float32_s.end() || is_float32(cases[i]) || !cases[i].call_s) continue;
    ratios[i] = *cases[i].call_s / base->second;
  }
  return ratios;
}

std::string slow_reason(double float32_ratio) {
  return "takes " + format_significant(float32_ratio, 2) + " times as long as float32";
}

std::string operation_of(const std::string& workload, const Json& params) {
  if (const auto op = find_string(params, "op")) return workload + " " + *op;
  if (const auto bits = find_int(params, "bits"))
    return workload + " " + std::to_string(*bits) + " bits";
  return workload;
}

std::vector<SupportRecord> support_of(const store::RunData& run) {
  std::vector<SupportRecord> records;
  std::vector<TimedCase> cases;
  for (const auto& c : run.cases) {
    if (c.control) continue;
    for (const auto& s : run.subjects) {
      const auto it = c.cells.find(s.name);
      if (it == c.cells.end()) continue;
      const auto support = support_of(it->second);
      if (!support) continue;
      const auto time = time_of(it->second);
      const auto call_s = time ? std::optional(time->median_s) : std::nullopt;
      cases.push_back({s.name, &c.definition, call_s});
      records.push_back({.subject = s.name,
                         .case_id = c.definition.id,
                         .workload = c.definition.workload,
                         .dtype = std::string(name_of(c.definition.dtype)),
                         .params = c.definition.params,
                         .support = *support,
                         .reason = it->second.reason,
                         .kernel = it->second.kernel,
                         .call_s = call_s,
                         .probed = {}});
      if (*support == "native") records.back().reason.clear();
    }
  }
  mark_slow(records, cases);
  records.insert(records.end(), run.support.begin(), run.support.end());
  return records;
}

}  // namespace mlbench::compare
