#include "report/import_text.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

namespace mlbench::report {
namespace {

std::string value_text(const Json& value) {
  auto text = value.is_string() ? value.get<std::string>() : dump_json(value);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

void add_file(std::string& out, const importing::File& file, const std::vector<std::string>& runs) {
  const auto unknown = file.values.not_understood().size();
  const auto values = importing::count_values(file);
  const auto rows = importing::result_rows(file);
  out += fmt::format("{}: {}, {} row{}, {} of {} values understood\n", file.path, file.format, rows,
                     rows == 1 ? "" : "s", values - unknown, values);
  if (!file.machine_source.empty())
    out += fmt::format("  machine: {}, as {} says\n", file.machine.chip, file.machine_source);
  for (const auto& run : runs) out += fmt::format("  -> {}\n", run);
}

void add_not_understood(std::string& out, const importing::Batch& batch) {
  std::string list;
  for (const auto& file : batch.files) {
    constexpr std::size_t kShown = 20;
    const auto unknown = file.values.not_understood();
    for (std::size_t i = 0; i < unknown.size() && i < kShown; ++i)
      list += fmt::format("  {}: {}: {}\n", file.path, unknown[i]->field,
                          value_text(*unknown[i]->json));
    if (unknown.size() > kShown)
      list +=
          fmt::format("  {}: {} more; --json lists them all\n", file.path, unknown.size() - kShown);
  }
  if (!list.empty()) out += "\nNOT UNDERSTOOD (kept in the run, used for nothing)\n" + list;
}

}  // namespace

std::string import_text(const importing::Import& import) {
  std::string out;
  for (std::size_t i = 0; i < import.batch.files.size(); ++i)
    add_file(out, import.batch.files[i], import.runs[i]);
  if (import.doubts.empty()) {
    out += "\nDOUBTS   none\n";
  } else {
    out += "\nDOUBTS (docs/import.md says what each rule looks for)\n";
    for (const auto& d : import.doubts) out += fmt::format("  {} [{}]\n", d.sentence, d.kind);
  }
  add_not_understood(out, import.batch);
  out +=
      "\nImported rows have no samples, so they get no verdict: they are reference points beside "
      "your "
      "own runs.\n";
  return out;
}

}  // namespace mlbench::report
