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

void mark_slow(std::vector<SupportRecord>& records) {
  const auto key = [](const SupportRecord& r) {
    return r.subject + '\n' + r.workload + '\n' + dump_json(r.params);
  };
  std::unordered_map<std::string, double> float32_s;
  for (const SupportRecord& r : records) {
    if (r.dtype == "float32" && r.call_s) float32_s.try_emplace(key(r), *r.call_s);
  }
  for (SupportRecord& r : records) {
    if (r.dtype == "float32" || !r.call_s || r.support != "native") continue;
    const auto base = float32_s.find(key(r));
    if (base == float32_s.end() || *r.call_s <= kSlowFactor * base->second) continue;
    r.support = "slow";
    r.reason =
        "takes " + format_significant(*r.call_s / base->second, 2) + " times as long as float32";
  }
}

}  // namespace

std::string operation_of(const std::string& workload, const Json& params) {
  if (const auto op = find_string(params, "op")) return workload + " " + *op;
  if (const auto bits = find_int(params, "bits"))
    return workload + " " + std::to_string(*bits) + " bits";
  return workload;
}

std::vector<SupportRecord> support_of(const store::RunData& run) {
  std::vector<SupportRecord> records;
  for (const auto& c : run.cases) {
    if (c.control) continue;
    for (const auto& s : run.subjects) {
      const auto it = c.cells.find(s.name);
      if (it == c.cells.end()) continue;
      const auto support = support_of(it->second);
      if (!support) continue;
      const auto time = time_of(it->second);
      records.push_back({.subject = s.name,
                         .case_id = c.definition.id,
                         .workload = c.definition.workload,
                         .dtype = std::string(name_of(c.definition.dtype)),
                         .params = c.definition.params,
                         .support = *support,
                         .reason = it->second.reason,
                         .kernel = it->second.kernel,
                         .call_s = time ? std::optional(time->median_s) : std::nullopt,
                         .probed = {}});
      if (*support == "native") records.back().reason.clear();
    }
  }
  mark_slow(records);
  records.insert(records.end(), run.support.begin(), run.support.end());
  return records;
}

}  // namespace mlbench::compare
