#include "core/text.hpp"
#include "fit/catalogue.hpp"
#include "import/importer.hpp"
#include "import/lenient_json.hpp"
#include "mlbench_version.hpp"
#include "workload/workload.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

namespace mlbench::importing {
namespace {

namespace fs = std::filesystem;

/// The fields of docs/json.md, "Machine", that a file tells; the others are unknown.
Json machine_json(const MachineFacts& facts) {
  Json machine = Json::object();
  if (facts.is_known()) {
    const bool apple = !fit::find_chips(facts.chip, std::nullopt).empty();
    Json gpu = {{"name", (apple ? "Apple " : "") + facts.chip}};
    if (apple) {
      machine["cpu"] = {{"name", gpu["name"]}};
      machine["os"] = {{"name", "macOS"}};
    }
    // A number of cores that no such chip has would find nothing in any catalogue.
    if (facts.gpu_cores && !fit::find_chips(facts.chip, facts.gpu_cores).empty())
      gpu["cores"] = *facts.gpu_cores;
    machine["gpus"] = Json::array({gpu});
  } else if (!facts.text.empty()) {
    machine["cpu"] = {{"name", facts.text}};
  }
  if (facts.memory_bytes) machine["memory"] = {{"total_bytes", *facts.memory_bytes}};
  if (facts.os.starts_with("macOS ")) machine["os"]["version"] = facts.os.substr(6);
  return machine;
}

std::string subject_of(const Row& row) {
  const std::string framework = row.framework.empty() ? "unknown" : row.framework;
  return framework + ":" + (row.device.empty() ? "gpu" : row.device);
}

/// Our case of the same work, where there is one.
std::optional<workload::Case> case_of(const Row& row) {
  const auto dtype = workload::parse_dtype(row.dtype);
  const auto n = row.number("n");
  if (row.operation != "gemm" || !dtype || !n || *n < 1 || *n > 1e6) return std::nullopt;
  const auto whole = [&](const char* name) {
    return static_cast<std::int64_t>(std::clamp(row.number(name).value_or(*n), 1.0, 1e6));
  };
  if (row.number("m").has_value()) return std::nullopt;  // another layout, or a batch
  auto c = workload::make_case("gemm", *dtype,
                               {{"m", whole("m")}, {"n", whole("n")}, {"k", whole("k")}});
  return c ? std::optional(*std::move(c)) : std::nullopt;
}

std::string workload_of(const Row& row) {
  for (const char* op : {"copy", "read", "write", "triad"}) {
    if (row.operation == op) return "memory";
  }
  return row.operation;
}

const char* name_of(Quantity q) {
  switch (q) {
    case Quantity::time: return "time_s";
    case Quantity::flop_rate: return "flop_per_s";
    case Quantity::byte_rate: return "bytes_per_s";
    case Quantity::token_rate: return "tokens_per_s";
    case Quantity::bit_rate: return "bits_per_s";
    case Quantity::memory: return "bytes";
    case Quantity::share: return "share";
    case Quantity::loss: return "loss";
  }
  return "";
}

Json rate_json(const Row& row) {
  // A product's bandwidth is not what it is rated by, so the order matters.
  for (const Quantity q : {Quantity::token_rate, Quantity::flop_rate, Quantity::byte_rate}) {
    for (const Figure& f : row.figures) {
      const bool main = f.role.empty() || f.role == "peak";
      if (f.quantity == q && main && std::isfinite(f.value) && f.value > 0)
        return {{"value", f.value}, {"unit", name_of(q)}};
    }
  }
  const auto* time = row.find(Quantity::time);
  const auto flop = row.known_flop();
  if (flop && time != nullptr && time->value > 0)
    return {{"value", *flop / time->value}, {"unit", "flop_per_s"}};
  return nullptr;
}

Json values_json(const File& file, const std::vector<std::size_t>& fields) {
  Json values = Json::object();
  for (const auto i : fields) {
    if (i < file.values.size()) values[file.values.at(i).field] = *file.values.at(i).json;
  }
  return values;
}

Json row_line(const Import& import, const File& file, const Row& row) {
  Json figures = Json::array();
  for (const Figure& f : row.figures) {
    figures.push_back({{"name", f.name},
                       {"role", f.role},
                       {"quantity", name_of(f.quantity)},
                       {"value", std::isfinite(f.value) ? Json(f.value) : Json(nullptr)}});
  }
  std::vector<std::string> doubts;
  for (const Doubt& d : import.doubts) {
    if (std::find(d.rows.begin(), d.rows.end(), &row) != d.rows.end() &&
        std::find(doubts.begin(), doubts.end(), d.kind) == doubts.end())
      doubts.push_back(d.kind);
  }
  const auto c = case_of(row);
  const Figure* time = row.find(Quantity::time);
  const bool has_time = time != nullptr && std::isfinite(time->value) && time->value > 0;
  Json shape = Json::object();
  for (const auto& [name, value] : row.shape) shape[name] = value;
  Json values = values_json(file, row.fields);
  return {{"type", "imported"},
          {"label", row.label()},
          {"case", c ? Json(c->id) : Json(nullptr)},
          {"workload", workload_of(row)},
          {"operation", row.operation},
          {"dtype", row.dtype},
          {"subject", subject_of(row)},
          {"framework", row.framework},
          {"device", row.device},
          {"model", row.model},
          {"benchmark", row.benchmark},
          {"status", row.error.empty() ? "ok" : "failed"},
          {"reason", row.error},
          {"shape", shape},
          {"time_s", has_time ? Json(time->value) : Json(nullptr)},
          {"rate", rate_json(row)},
          {"figures", figures},
          {"doubts", doubts},
          {"values", values}};
}

/// Values that are understood and belong to no row.
Json facts_line(const File& file) {
  std::set<std::size_t> taken(file.personal.begin(), file.personal.end());
  for (const Row& row : file.rows) {
    if (row.is_result()) taken.insert(row.fields.begin(), row.fields.end());
  }
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < file.values.size(); ++i) {
    if (file.values.at(i).understood && !taken.contains(i)) rest.push_back(i);
  }
  return {{"type", "facts"}, {"values", values_json(file, rest)}};
}

std::string safe_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    if (plain)
      name.push_back(c);
    else if (!name.empty() && name.back() != '-')
      name.push_back('-');
  }
  while (name.ends_with('-')) name.pop_back();
  if (name.size() > 60) name.resize(60);
  return name.empty() ? "import" : name;
}

/// Whether the journal at `path` was imported from `source`.
bool is_of(const fs::path& path, const std::string& source, const std::string& machine) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return false;
  const auto json = parse_json(line);
  return json && json->contains("imported") && find_string((*json)["imported"], "path") == source &&
         find_string((*json)["imported"], "machine").value_or("") == machine;
}

fs::path journal_path(const fs::path& folder, const File& file, const Journal& journal) {
  const fs::path source = file.path;
  std::string base = source.parent_path().filename().string();
  base = safe_name((base.empty() || base == "." || base == ".." ? "" : base + "-") +
                   source.stem().string());
  if (!journal.machine.empty()) base += "-" + safe_name(journal.machine);
  for (int n = 1;; ++n) {
    const auto path = folder / (base + (n == 1 ? "" : "-" + std::to_string(n)) + ".jsonl");
    std::error_code ignored;
    if (!fs::exists(path, ignored) || is_of(path, file.path, journal.machine)) return path;
  }
}

Status write(const fs::path& path, const std::vector<Json>& lines) {
  // A file beside it takes its place at the end, so that a kill leaves the old one whole.
  const fs::path draft = path.string() + ".new";
  {
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    for (const Json& line : lines) out << dump_json(line) << '\n';
    out.flush();
    if (!out) return fail(ErrorKind::io, path.string() + ": cannot be written");
  }
  std::error_code error;
  fs::rename(draft, path, error);
  if (error) return fail(ErrorKind::io, path.string() + ": cannot be written: " + error.message());
  return Done{};
}

}  // namespace

std::vector<Journal> journals_of(const Import& import, const File& file) {
  std::vector<std::pair<MachineFacts, std::vector<const Row*>>> machines;
  for (const Row& row : file.rows) {
    if (!row.is_result()) continue;
    const auto same = [&](const auto& m) { return m.first == row.machine; };
    auto it = std::find_if(machines.begin(), machines.end(), same);
    if (it == machines.end()) it = machines.insert(machines.end(), {row.machine, {}});
    it->second.push_back(&row);
  }
  if (machines.empty()) machines.emplace_back(file.machine, std::vector<const Row*>{});
  std::vector<Journal> journals;
  for (const auto& [machine, rows] : machines) {
    Journal j;
    if (machines.size() > 1) j.machine = machine.is_known() ? machine.text : "unknown machine";
    j.lines.push_back({{"type", "run"},
                       {"schema", "mlbench.journal/1"},
                       {"mlbench_version", MLBENCH_VERSION},
                       {"imported",
                        {{"path", file.path},
                         {"format", file.format},
                         {"date", file.date.empty() ? Json(nullptr) : Json(file.date)},
                         {"machine", j.machine},
                         {"machine_source",
                          file.machine_source.empty() ? Json(nullptr) : Json(file.machine_source)},
                         {"values", count_values(file)},
                         {"not_understood", file.values.not_understood().size()}}},
                       {"machine", machine_json(machine)}});
    std::set<std::string> subjects;
    for (const Row* row : rows) {
      if (!subjects.insert(subject_of(*row)).second) continue;
      j.lines.push_back({{"type", "subject"},
                         {"subject", subject_of(*row)},
                         {"framework", row->framework},
                         {"device", row->device},
                         {"status", "ok"},
                         {"facts", Json::object()}});
    }
    for (const Row* row : rows) j.lines.push_back(row_line(import, file, *row));
    for (const Doubt& d : import.doubts) {
      const bool here = d.rows.empty() || std::any_of(rows.begin(), rows.end(), [&](const Row* r) {
                          return std::find(d.rows.begin(), d.rows.end(), r) != d.rows.end();
                        });
      if (d.file != file.path || !here) continue;
      j.lines.push_back({{"type", "doubt"},
                         {"kind", d.kind},
                         {"fields", d.fields},
                         {"value", d.value},
                         {"sentence", d.sentence}});
    }
    if (journals.empty()) {  // once a file
      j.lines.push_back(facts_line(file));
      for (const Value* value : file.values.not_understood()) {
        j.lines.push_back(
            {{"type", "not_understood"}, {"field", value->field}, {"value", *value->json}});
      }
    }
    journals.push_back(std::move(j));
  }
  return journals;
}

Status save(Import& import, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorKind::io, folder.string() + ": cannot be made: " + error.message());
  for (std::size_t i = 0; i < import.batch.files.size(); ++i) {
    const File& file = import.batch.files[i];
    for (const Journal& journal : journals_of(import, file)) {
      const auto path = journal_path(folder, file, journal);
      if (auto written = write(path, journal.lines); !written) return written.error();
      import.runs[i].push_back(path.string());
    }
  }
  return Done{};
}

}  // namespace mlbench::importing
