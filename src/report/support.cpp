#include "report/support.hpp"

#include "compare/support.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace mlbench::report {
namespace {

using store::SupportRecord;

constexpr std::size_t kLongest = 60;

int severity(const std::string& support) {
  if (support == "native") return 0;
  if (support == "slow") return 1;
  if (support == "fallback") return 2;
  return support == "unsupported" ? 3 : 4;
}

std::string operation_name(const std::string& workload, const Json& params) {
  return shortened(one_line(compare::operation_of(workload, params)), kLongest);
}

std::string source_words(const SupportRecord& record) {
  if (record.probed.empty()) return "cases of this run";
  return "probe of " + one_line(record.probed).substr(0, 10);
}

Json cell(const std::vector<const SupportRecord*>& records) {
  if (records.empty())
    return {{"state", "none"}, {"text", "not tried"}, {"why", ""}, {"kernel", ""}, {"source", ""}};
  const auto* worst = records.front();
  for (const auto* r : records) {
    if (severity(r->support) > severity(worst->support)) worst = r;
  }
  const auto same = std::count_if(records.begin(), records.end(),
                                  [&](const auto* r) { return r->support == worst->support; });
  const bool all = same == std::ssize(records);
  return {{"state", worst->support},
          {"text", one_line(worst->support) +
                       (all ? "" : fmt::format(", {} of {} cases", same, records.size()))},
          {"why", one_line(worst->reason)},
          {"kernel", one_line(worst->kernel)},
          {"source", source_words(*worst)}};
}

}  // namespace

Json support_json(const Report& report, const store::RunData& run) {
  using Key = std::pair<std::string, std::string>;  // operation, dtype
  std::vector<Key> order;
  std::map<Key, std::map<std::string, std::vector<const SupportRecord*>>> found;  // by subject
  std::set<std::string> tried, untried;
  const auto records = compare::support_of(run);
  for (const auto& record : records) {
    const Key key(operation_name(record.workload, record.params), record.dtype);
    if (!found.contains(key)) order.push_back(key);
    found[key][record.subject].push_back(&record);
    tried.insert(key.first);
  }
  for (const Row& row : report.rows) {
    const auto name = operation_name(row.workload, row.params);
    if (!tried.contains(name)) untried.insert(name);
  }
  Json subjects = Json::array(), rows = Json::array();
  for (const auto& s : report.subjects) {
    if (s.status == store::CaseStatus::ok) subjects.push_back(s.title);
  }
  for (const auto& key : order) {
    Json cells = Json::array();
    for (const auto& s : report.subjects) {
      if (s.status == store::CaseStatus::ok) cells.push_back(cell(found[key][s.name]));
    }
    rows.push_back({{"operation", key.first}, {"dtype", key.second}, {"cells", cells}});
  }
  return {{"subjects", subjects}, {"rows", rows}, {"untried", untried}};
}

}  // namespace mlbench::report
