#include "report/support.hpp"

#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mlbench::report {
namespace {

using store::CaseStatus;

struct Tally {
  std::map<CaseStatus, int> counts;
  std::string slow;    ///< The note that says why.
  std::string reason;  ///< Of the first case that is not ok.
};

int severity(CaseStatus status) {
  if (status == CaseStatus::ok) return 0;
  return status == CaseStatus::unsupported ? 1 : 2;
}

/// Workers say "no native float16 kernel" or "no BLAS for float16" where a loop stands in.
bool says_slow(const std::string& note) {
  return note.starts_with("no native") || note.starts_with("no BLAS");
}

void add(Tally& tally, const Entry& e) {
  if (e.status == CaseStatus::skipped) return;
  ++tally.counts[e.status];
  if (e.status != CaseStatus::ok && tally.reason.empty()) tally.reason = e.reason;
  for (const auto& note : e.notes) {
    if (says_slow(note)) tally.slow = note;
  }
}

Json cell(const Tally& tally) {
  if (tally.counts.empty()) return {{"state", "none"}, {"text", "not tried"}, {"why", ""}};
  CaseStatus worst = CaseStatus::ok;
  int tried = 0;
  for (const auto& [status, count] : tally.counts) {
    tried += count;
    if (severity(status) > severity(worst)) worst = status;
  }
  if (worst == CaseStatus::ok) {
    return {{"state", tally.slow.empty() ? "ok" : "slow"},
            {"text", tally.slow.empty() ? "yes" : "yes, no fast kernel"},
            {"why", tally.slow}};
  }
  return {{"state", name_of(worst)},
          {"text", fmt::format("{}: {} of {}", name_of(worst), tally.counts.at(worst), tried)},
          {"why", tally.reason}};
}

}  // namespace

Json support_json(const Report& report) {
  std::vector<std::pair<std::string, std::string>> order;
  std::map<std::pair<std::string, std::string>, std::map<std::string, Tally>> tallies;
  for (const Row& row : report.rows) {
    const std::pair key(row.workload, row.dtype);
    if (!tallies.contains(key)) order.push_back(key);
    auto& tally = tallies[key];
    for (const Entry& e : row.entries) add(tally[e.subject], e);
  }
  Json subjects = Json::array(), rows = Json::array();
  for (const auto& s : report.subjects) {
    if (s.status == CaseStatus::ok) subjects.push_back(s.title);
  }
  for (const auto& key : order) {
    Json cells = Json::array();
    for (const auto& s : report.subjects) {
      if (s.status == CaseStatus::ok) cells.push_back(cell(tallies[key][s.name]));
    }
    rows.push_back({{"workload", key.first}, {"dtype", key.second}, {"cells", cells}});
  }
  return {{"subjects", subjects}, {"rows", rows}};
}

}  // namespace mlbench::report
