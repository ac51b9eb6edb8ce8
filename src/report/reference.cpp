#include "report/reference.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "fit/catalogue.hpp"
#include "reference_jsonl.hpp"
#include "report/collection.hpp"
#include "report/table.hpp"
#include "report/words.hpp"
#include "store/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

namespace mlbench::report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRowsOfAKind = 12;
constexpr std::size_t kNeighbours = 4;  // published bandwidths on each side

/// What rows are compared under; empty for what has no counterpart elsewhere.
std::string kind_of(const CollectionRow& row) {
  if (row.workload == "gemm") return "GEMM " + row.dtype;
  if (row.workload != "memory") return {};
  for (const char* op : {"copy", "read", "write", "triad"}) {
    if (row.case_label.starts_with(op)) return op;
  }
  return {};
}

std::string source_of(const Report& report) {
  if (!report.header.contains("imported")) return report.run;
  const Json& imported = report.header["imported"];
  std::string text = "imported from " + find_string(imported, "path").value_or("?") + ", " +
                     find_string(imported, "format").value_or("?");
  if (const auto date = find_string(imported, "date")) text += ", " + date->substr(0, 10);
  return text;
}

/// Doubts about a share, a label or an amount of memory leave the row's rate as it is.
std::vector<std::string> doubts_of_rate(const std::vector<std::string>& doubts) {
  constexpr std::array<std::string_view, 6> kOther = {"gib_as_gb",          "published_mismatch",
                                                      "unstated_peak",      "memory_formula",
                                                      "unmeasured_as_zero", "sparse_peak"};
  std::vector<std::string> found;
  std::copy_if(doubts.begin(), doubts.end(), std::back_inserter(found), [&](const auto& kind) {
    return std::find(kOther.begin(), kOther.end(), kind) == kOther.end();
  });
  return found;
}

bool better(const ReferenceRow& a, const ReferenceRow& b) {
  if (a.doubts.empty() != b.doubts.empty()) return a.doubts.empty();
  return a.rate > b.rate;
}

/// Keeps the best row of each kind, machine and framework.
void add_best(std::vector<ReferenceRow>& rows, const Report& report, bool here) {
  const auto source = here ? "this run" : source_of(report);
  for (const CollectionRow& r : collection_rows(report)) {
    const auto kind = kind_of(r);
    if (kind.empty() || !r.rate || r.status != "ok") continue;
    ReferenceRow row{.kind = kind,
                     .machine = r.machine,
                     .framework = r.framework,
                     .label = r.case_label,
                     .rate = *r.rate,
                     .unit = r.unit,
                     .source = source,
                     .doubts = here ? std::vector<std::string>{} : doubts_of_rate(r.doubts),
                     .here = here};
    const auto it = std::find_if(rows.begin(), rows.end(), [&](const ReferenceRow& other) {
      return other.kind == row.kind && other.machine == row.machine &&
             other.framework == row.framework && other.here == here;
    });
    if (it == rows.end()) {
      rows.push_back(std::move(row));
    } else if (better(row, *it)) {
      *it = std::move(row);
    }
  }
}

/// Chips whose published bandwidth is around `rate`, by bandwidth.
std::vector<ReferenceRow> published_around(double rate) {
  std::vector<const fit::Chip*> chips;
  for (const auto& chip : fit::chips()) chips.push_back(&chip);
  std::stable_sort(chips.begin(), chips.end(), [](const auto* a, const auto* b) {
    return a->bandwidth_bytes_per_s > b->bandwidth_bytes_per_s;
  });
  const auto at = static_cast<std::size_t>(
      std::find_if(chips.begin(), chips.end(),
                   [&](const auto* c) { return c->bandwidth_bytes_per_s < rate; }) -
      chips.begin());
  const std::size_t first = at > kNeighbours ? at - kNeighbours : 0;
  std::vector<ReferenceRow> rows;
  for (std::size_t i = first; i < std::min(chips.size(), at + kNeighbours); ++i) {
    rows.push_back(
        {.kind = "memory bandwidth",
         .machine = fmt::format("Apple {} · {} GPU cores", chips[i]->name, chips[i]->gpu_cores),
         .framework = "published",
         .label = "",
         .rate = chips[i]->bandwidth_bytes_per_s,
         .unit = workload::RateUnit::bytes_per_s,
         .source = "data/chips.csv",
         .doubts = {},
         .here = false});
  }
  return rows;
}

void add_published(std::vector<ReferenceRow>& rows) {
  const ReferenceRow* best = nullptr;
  for (const ReferenceRow& r : rows) {
    if (r.here && r.unit == workload::RateUnit::bytes_per_s &&
        (best == nullptr || r.rate > best->rate))
      best = &r;
  }
  if (best == nullptr) return;
  auto published = published_around(best->rate);
  ReferenceRow here = *best;
  here.kind = "memory bandwidth";
  published.push_back(std::move(here));
  std::stable_sort(published.begin(), published.end(), better);
  rows.insert(rows.end(), published.begin(), published.end());
}

std::vector<std::string> kinds_in_order(const std::vector<ReferenceRow>& rows) {
  std::vector<std::string> kinds;
  for (const ReferenceRow& r : rows) {
    if (std::find(kinds.begin(), kinds.end(), r.kind) == kinds.end()) kinds.push_back(r.kind);
  }
  return kinds;
}

void add_runs(std::vector<Report>& known, std::string_view text, const std::string& name) {
  const auto run = store::parse_journal(text, name);
  if (run) known.push_back(build_report(*run, name));
}

}  // namespace

std::vector<ReferenceRow> reference_rows(const Report& here, const std::vector<Report>& known) {
  std::vector<ReferenceRow> rows;
  add_best(rows, here, true);
  std::set<std::string> kinds;
  for (const ReferenceRow& r : rows) kinds.insert(r.kind);
  for (const Report& report : known) add_best(rows, report, false);
  std::erase_if(rows, [&](const ReferenceRow& r) { return !kinds.contains(r.kind); });
  std::stable_sort(rows.begin(), rows.end(), [](const ReferenceRow& a, const ReferenceRow& b) {
    return a.kind != b.kind ? a.kind < b.kind : better(a, b);
  });
  add_published(rows);
  return rows;
}

std::vector<Report> known_runs(const fs::path& folder) {
  std::vector<Report> known;
  // The file holds one run after the other.
  std::string_view rest = machine::kReferenceJsonl;
  while (!rest.empty()) {
    const auto next = rest.find("\n{\"type\":\"run\"");
    const auto run = rest.substr(0, next == std::string_view::npos ? rest.size() : next + 1);
    add_runs(known, run, "data/reference.jsonl");
    rest.remove_prefix(run.size());
  }
  std::error_code ignored;
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".jsonl") files.insert(entry.path());
  }
  for (const auto& path : files) {
    if (const auto run = store::load_journal(path))
      known.push_back(build_report(*run, path.string()));
  }
  return known;
}

std::string reference_text(const std::vector<ReferenceRow>& rows) {
  if (rows.empty()) return "\nKNOWN MACHINES   nothing that this run measured is known of others\n";
  std::string out =
      "\nKNOWN MACHINES (others are imported or published, not measured by this program)\n";
  Table table;
  for (const auto& kind : kinds_in_order(rows)) {
    table.add({"  " + kind});
    std::size_t shown = 0;
    for (const ReferenceRow& r : rows) {
      if (r.kind != kind || (++shown > kRowsOfAKind && !r.here)) continue;
      std::string note = r.here ? "this run" : r.source;
      if (!r.doubts.empty()) note = "doubtful: " + join(r.doubts, ", ") + "; " + note;
      table.add({(r.here ? "  > " : "    ") + shortened(one_line(r.machine), 60),
                 rate_words(r.rate, r.unit), shortened(one_line(r.framework), 40), one_line(note)});
    }
  }
  return out + table.text();
}

Json reference_json(const std::vector<ReferenceRow>& rows) {
  Json list = Json::array();
  for (const ReferenceRow& r : rows) {
    list.push_back({{"kind", r.kind},
                    {"machine", r.machine},
                    {"framework", r.framework},
                    {"label", r.label},
                    {"rate", {{"value", r.rate}, {"unit", name_of(r.unit)}}},
                    {"text", rate_words(r.rate, r.unit)},
                    {"source", r.source},
                    {"doubts", r.doubts},
                    {"here", r.here}});
  }
  return list;
}

}  // namespace mlbench::report
