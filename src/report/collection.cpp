#include "report/collection.hpp"

#include "collection_html.hpp"
#include "core/text.hpp"
#include "core/units.hpp"
#include "machine/machine.hpp"
#include "report/table.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace mlbench::report {
namespace {

using store::CaseStatus;

/// The machine as it is told apart: chip, GPU cores and memory, without system and state.
std::string machine_name(const Report& report) {
  const Json none = Json::object();
  const Json& m = report.header.contains("machine") ? report.header["machine"] : none;
  const auto machine = machine::machine_from_json(m);
  std::string name = machine.cpu.name.value_or("");
  for (const auto& gpu : machine.gpus) {
    if (gpu.name && *gpu.name != name) name += (name.empty() ? "" : " · ") + *gpu.name;
    if (gpu.cores) name += fmt::format(" · {} GPU cores", *gpu.cores);
  }
  if (name.empty()) return "unknown machine";
  if (machine.memory.total_bytes)
    name += " · " + format_bytes(static_cast<double>(*machine.memory.total_bytes));
  return name;
}

std::string framework_name(const SubjectView& s) {
  return fmt::format("{}{} ({})", s.title, s.version.empty() ? "" : " " + s.version, s.device);
}

std::optional<double> spread_of(const Entry& e) {
  if (!e.rate || !e.rate->low || !e.rate->high || e.rate->value <= 0) return std::nullopt;
  return (*e.rate->high - *e.rate->low) / (2 * e.rate->value);
}

CollectionRow row_of(const Report& report, const std::string& machine, const Row& row,
                     const Entry& e) {
  const auto* subject = report.find_subject(e.subject);
  return {.machine = machine,
          .framework = subject == nullptr ? e.subject : framework_name(*subject),
          .case_label = row.label,
          .workload = row.workload,
          .dtype = row.dtype,
          .time_s = e.time ? std::optional(e.time->median_s) : std::nullopt,
          .rate = e.rate ? std::optional(e.rate->value) : std::nullopt,
          .unit = e.rate ? e.rate->unit : workload::RateUnit::op_per_s,
          .spread = spread_of(e),
          .ceiling_fraction = e.ceiling_fraction,
          .status = std::string(name_of(e.status)),
          .doubts = e.all_flags,
          .imported = false,
          .run = report.run};
}

std::string imported_framework(const store::ImportedRecord& r) {
  if (r.framework.empty()) return "framework not stated";
  return framework_title(r.framework) + (r.device.empty() ? "" : " (" + r.device + ")");
}

CollectionRow row_of(const Report& report, const std::string& machine,
                     const store::ImportedRecord& r) {
  return {.machine = machine,
          .framework = imported_framework(r),
          .case_label = r.label,
          .workload = r.workload,
          .dtype = r.dtype,
          .time_s = r.time_s,
          .rate = r.rate,
          .unit = r.unit,
          .spread = {},
          .ceiling_fraction = {},
          .status = std::string(name_of(r.status)),
          .doubts = r.doubts,
          .imported = true,
          .run = report.run};
}

/// Numbers texts in the order in which they first come, so that a page holds each once.
class Names {
 public:
  std::size_t number(const std::string& text) {
    const auto [it, added] = index_.emplace(text, texts_.size());
    if (added) texts_.push_back(text);
    return it->second;
  }
  [[nodiscard]] Json json() const { return texts_; }

 private:
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<std::string> texts_;
};

/// Four digits are all that a page shows.
std::string short_number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "null";
}

std::string script_json(const Json& json) {
  std::string out;
  for (const char c : json.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<')
      out += "\\u003c";  // nothing in it can end the script element
    else
      out += c;
  }
  return out;
}

}  // namespace

std::vector<CollectionRow> collection_rows(const Report& report) {
  const auto machine = machine_name(report);
  std::vector<CollectionRow> rows;
  for (const Row& row : report.rows) {
    for (const Entry& e : row.entries) {
      if (e.status == CaseStatus::skipped || (e.status == CaseStatus::ok && !e.time)) continue;
      rows.push_back(row_of(report, machine, row, e));
    }
  }
  for (const auto& r : report.imported) rows.push_back(row_of(report, machine, r));
  return rows;
}

std::string to_html(const Collection& collection) {
  Names machines, frameworks, cases, workloads, dtypes, statuses, doubts, runs;
  std::string rows;
  for (const CollectionRow& r : collection.rows) {
    if (!rows.empty()) rows += ",\n";
    rows +=
        fmt::format("[{},{},{},{},{},{},{},{},{},{},{},{},{},{}]", machines.number(r.machine),
                    frameworks.number(r.framework), cases.number(r.case_label),
                    workloads.number(r.workload), dtypes.number(r.dtype), short_number(r.time_s),
                    short_number(r.rate), static_cast<int>(r.unit), short_number(r.spread),
                    short_number(r.ceiling_fraction), statuses.number(r.status),
                    doubts.number(join(r.doubts, ", ")), r.imported ? 1 : 0, runs.number(r.run));
  }
  const Json names = {{"machines", machines.json()},   {"frameworks", frameworks.json()},
                      {"cases", cases.json()},         {"workloads", workloads.json()},
                      {"dtypes", dtypes.json()},       {"statuses", statuses.json()},
                      {"doubts", doubts.json()},       {"runs", runs.json()},
                      {"refused", collection.refused}, {"count", collection.runs}};
  std::string page(machine::kCollectionHtml);
  const std::string mark = "\"{{data}}\"";
  const auto at = page.find(mark);
  return page.replace(at, mark.size(),
                      "{\"names\":" + script_json(names) + ",\"rows\":[" + rows + "]}");
}

Json to_json(const Collection& collection) {
  Json rows = Json::array();
  for (const CollectionRow& r : collection.rows) {
    Json rate = nullptr;
    if (r.rate) rate = {{"value", *r.rate}, {"unit", name_of(r.unit)}};
    rows.push_back({{"machine", r.machine},
                    {"framework", r.framework},
                    {"label", r.case_label},
                    {"workload", r.workload},
                    {"dtype", r.dtype},
                    {"status", r.status},
                    {"time_s", to_json_or_null(r.time_s)},
                    {"rate", rate},
                    {"spread", to_json_or_null(r.spread)},
                    {"ceiling_fraction", to_json_or_null(r.ceiling_fraction)},
                    {"doubts", r.doubts},
                    {"imported", r.imported},
                    {"run", r.run}});
  }
  return {{"schema", "mlbench.collection/1"},
          {"runs", collection.runs},
          {"refused", collection.refused},
          {"rows", rows}};
}

std::string to_text(const Collection& collection) {
  struct Best {
    const CollectionRow* row = nullptr;
    std::set<std::string> machines;
  };
  std::map<std::string, Best> by_case;
  std::set<std::string> machines;
  for (const CollectionRow& r : collection.rows) {
    machines.insert(r.machine);
    // What is doubtful or comes from elsewhere leads no list.
    if (!r.rate || r.imported || !r.doubts.empty()) continue;
    Best& best = by_case[r.case_label];
    best.machines.insert(r.machine);
    if (best.row == nullptr || *r.rate > *best.row->rate) best.row = &r;
  }
  std::vector<std::pair<std::string, Best>> order(by_case.begin(), by_case.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second.machines.size() > b.second.machines.size();
  });
  constexpr std::size_t kShown = 40;
  Table table;
  table.add({"FASTEST", "machines", "rate", "framework", "machine"});
  for (std::size_t i = 0; i < order.size() && i < kShown; ++i) {
    const auto& [label, best] = order[i];
    table.add({shortened(one_line(label), 60), std::to_string(best.machines.size()),
               rate_words(*best.row->rate, best.row->unit),
               shortened(one_line(best.row->framework), 40),
               shortened(one_line(best.row->machine), 60)});
  }
  std::string out = fmt::format("{} runs of {} machines, {} results\n\n", collection.runs,
                                machines.size(), collection.rows.size()) +
                    table.text();
  if (order.size() > kShown)
    out += fmt::format("{} more cases; --html shows them all\n", order.size() - kShown);
  for (const auto& refused : collection.refused) out += "\nNOT READ   " + one_line(refused);
  return out + (collection.refused.empty() ? "" : "\n");
}

}  // namespace mlbench::report
