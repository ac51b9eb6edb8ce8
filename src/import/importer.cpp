#include "import/importer.hpp"

#include "import/read_file.hpp"

#include <algorithm>
#include <set>

namespace mlbench::importing {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const File& file) {
  return fs::path(file.path).parent_path().string();
}

/// The one machine that files of a folder name; nullptr when none or several are named.
const File* teller(const Batch& batch, const std::string& folder) {
  const File* best = nullptr;
  for (const File& file : batch.files) {
    if (folder_of(file) != folder || !file.machine.is_known()) continue;
    if (best != nullptr && best->machine.chip != file.machine.chip) return nullptr;
    const auto known = [](const File& f) {
      return (f.machine.memory_bytes ? 1 : 0) + (f.machine.gpu_cores ? 1 : 0) +
             (f.machine.os.empty() ? 0 : 1);
    };
    if (best == nullptr || known(file) > known(*best)) best = &file;
  }
  return best;
}

void share_machines(Batch& batch) {
  for (File& file : batch.files) {
    if (file.machine.is_known()) continue;
    const bool none = std::none_of(file.rows.begin(), file.rows.end(),
                                   [](const Row& r) { return r.machine.is_known(); });
    const File* from = teller(batch, folder_of(file));
    if (!none || from == nullptr) continue;
    const auto own_cores = file.machine.cores_field;
    file.machine = from->machine;
    file.machine.cores_field = own_cores;
    file.machine_source = from->path;
    for (Row& row : file.rows) row.machine = file.machine;
  }
}

Import finish(Import import) {
  share_machines(import.batch);
  import.doubts = find_doubts(import.batch);
  import.runs.resize(import.batch.files.size());
  return import;
}

void add(Import& import, const std::string& path, Result<File> file) {
  if (file) {
    import.batch.files.push_back(*std::move(file));
  } else {
    import.refused.push_back({path, file.error()});
  }
}

}  // namespace

Import import_files(const std::vector<fs::path>& paths) {
  Import import;
  std::set<std::string> seen;
  for (const auto& path : paths) {
    if (seen.insert(path.lexically_normal().string()).second)
      add(import, path.string(), read_file(path));
  }
  return finish(std::move(import));
}

Import import_texts(const std::vector<std::pair<std::string, std::string>>& paths_and_texts) {
  Import import;
  for (const auto& [path, text] : paths_and_texts) add(import, path, read_text(text, path));
  return finish(std::move(import));
}

std::size_t result_rows(const File& file) {
  return static_cast<std::size_t>(std::count_if(file.rows.begin(), file.rows.end(),
                                                [](const Row& r) { return r.is_result(); }));
}

std::size_t count_values(const File& file) {
  return file.values.size() - file.derived_values + file.further_values;
}

Json to_json(const Import& import) {
  Json files = Json::array(), doubts = Json::array();
  for (std::size_t i = 0; i < import.batch.files.size(); ++i) {
    const File& file = import.batch.files[i];
    Json unknown = Json::array();
    for (const Value* value : file.values.not_understood())
      unknown.push_back({{"field", value->field}, {"value", *value->json}});
    files.push_back({{"path", file.path},
                     {"format", file.format},
                     {"rows", result_rows(file)},
                     {"values", count_values(file)},
                     {"understood", count_values(file) - unknown.size()},
                     {"not_understood", unknown},
                     {"machine", file.machine.is_known() ? Json(file.machine.chip) : Json(nullptr)},
                     {"machine_source",
                      file.machine_source.empty() ? Json(nullptr) : Json(file.machine_source)},
                     {"runs", import.runs[i]},
                     {"error", nullptr}});
  }
  for (const Refused& refused : import.refused) {
    files.push_back({{"path", refused.path},
                     {"format", nullptr},
                     {"rows", 0},
                     {"values", nullptr},
                     {"understood", nullptr},
                     {"not_understood", Json::array()},
                     {"machine", nullptr},
                     {"machine_source", nullptr},
                     {"runs", Json::array()},
                     {"error", refused.error.message}});
  }
  for (const Doubt& d : import.doubts) {
    doubts.push_back({{"file", d.file},
                      {"field", d.fields.front()},
                      {"value", d.value},
                      {"kind", d.kind},
                      {"sentence", d.sentence},
                      {"fields", d.fields}});
  }
  return {{"schema", "mlbench.import/1"}, {"files", files}, {"doubts", doubts}};
}

}  // namespace mlbench::importing
