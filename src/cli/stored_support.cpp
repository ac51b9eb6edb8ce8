#include "cli/stored_support.hpp"

#include "cli/new_journal.hpp"
#include "cli/write_file.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSchema = "mlbench.support/1";

/// What must be the same for a probe to hold: the facts that name the library and the device.
Json identity_of(const store::SubjectRecord& s) {
  Json identity = {{"subject", s.name}};
  for (const char* fact : {"framework_version", "device_name", "build", "blas"})
    identity[fact] = s.facts.contains(fact) ? s.facts[fact] : Json(nullptr);
  return identity;
}

Json machine_name(const machine::Machine& machine) {
  return {{"cpu", to_json_or_null(machine.cpu.name)},
          {"memory_bytes", to_json_or_null(machine.memory.total_bytes)}};
}

Json line_of(const run::SupportRow& row, const std::string& now) {
  return {{"type", "support"},
          {"subject", row.subject},
          {"case", row.definition.id},
          {"workload", row.definition.workload},
          {"dtype", name_of(row.definition.dtype)},
          {"params", row.definition.params},
          {"support", name_of(row.support)},
          {"reason", row.support == run::Support::native ? "" : row.reason},
          {"kernel", row.kernel},
          {"call_s", to_json_or_null(row.call_s)},
          {"probed", now}};
}

std::optional<Json> read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string text(std::istreambuf_iterator<char>(in), {});
  auto document = parse_json(text);
  if (!document || find_string(*document, "schema") != kSchema) return std::nullopt;
  if (!document->contains("subjects") || !document->contains("rows") ||
      !(*document)["rows"].is_array() || !(*document)["subjects"].is_array())
    return std::nullopt;
  return std::move(*document);
}

}  // namespace

Status keep_support(const fs::path& results, const machine::Machine& machine,
                    const std::vector<store::SubjectRecord>& subjects,
                    const std::vector<run::SupportRow>& rows) {
  const auto now = utc_time("%Y-%m-%dT%H:%M:%SZ");
  Json document = {{"schema", kSchema},
                   {"machine", machine_name(machine)},
                   {"subjects", Json::array()},
                   {"rows", Json::array()}};
  for (const auto& s : subjects) {
    if (s.status == store::CaseStatus::ok) document["subjects"].push_back(identity_of(s));
  }
  for (const auto& row : rows) document["rows"].push_back(line_of(row, now));
  return write_file(results / "support.json", dump_json(document) + "\n");
}

std::vector<Json> kept_support(const fs::path& results, const machine::Machine& machine,
                               const store::RunData& run) {
  const auto document = read(results / "support.json");
  if (!document || (*document)["machine"] != machine_name(machine)) return {};
  std::vector<std::string> same;
  for (const auto& s : run.subjects) {
    const auto& known = (*document)["subjects"];
    if (s.status == store::CaseStatus::ok &&
        std::find(known.begin(), known.end(), identity_of(s)) != known.end())
      same.push_back(s.name);
  }
  std::vector<Json> lines;
  for (const Json& row : (*document)["rows"]) {
    const auto subject = find_string(row, "subject");
    if (subject && std::find(same.begin(), same.end(), *subject) != same.end() &&
        store::RunData().add(row))
      lines.push_back(row);
  }
  return lines;
}

}  // namespace mlbench::cli
