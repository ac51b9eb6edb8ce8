#include "import/read_journal.hpp"

#include "compare/verdicts.hpp"
#include "core/text.hpp"
#include "import/machine_text.hpp"
#include "machine/machine.hpp"
#include "store/run_data.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mlbench::importing {
namespace {

constexpr std::array<std::string_view, 16> kKnownLines = {
    "run",     "notice",  "subject",  "estimate", "plan", "planned", "pair", "case",
    "outcome", "process", "prepared", "check",    "warm", "block",   "slot", "round"};

MachineFacts machine_of(const store::RunData& run) {
  auto machine = machine::machine_from_json(run.header.contains("machine") ? run.header["machine"]
                                                                           : Json::object());
  for (const auto& s : run.subjects) machine::merge_device_facts(machine, s.facts);
  const std::string gpu = machine.gpus.empty() ? "" : machine.gpus.front().name.value_or("");
  auto facts = machine_in_text(machine.cpu.name.value_or("") + " " + gpu);
  if (!facts.is_known()) facts.chip = machine.cpu.name.value_or("");
  if (!machine.gpus.empty()) facts.gpu_cores = machine.gpus.front().cores;
  facts.memory_bytes = machine.memory.total_bytes;
  facts.text = machine::headline(machine);
  return facts;
}

std::optional<std::pair<Quantity, double>> rate_of(const store::CaseRecord& c, double time_s) {
  using workload::RateUnit;
  if (c.work.amount() <= 0 || c.work.unit == RateUnit::op_per_s) return std::nullopt;
  const Quantity quantity = c.work.unit == RateUnit::flop_per_s    ? Quantity::flop_rate
                            : c.work.unit == RateUnit::bytes_per_s ? Quantity::byte_rate
                                                                   : Quantity::token_rate;
  return std::pair{quantity, c.work.amount() / time_s};
}

/// What a finished case comes to, as values of their own: what a doubt can point at.
Json summary_of(const store::CaseRecord& c, const std::string& subject, double time_s) {
  Json summary = {{"case", c.definition.id}, {"subject", subject}, {"time_s", time_s}};
  if (const auto rate = rate_of(c, time_s)) summary["rate"] = rate->second;
  return summary;
}

struct Finished {
  const store::CaseRecord* c;
  const store::SubjectRecord* subject;
  double time_s;
};

std::vector<Finished> finished_cases(const store::RunData& run) {
  std::vector<Finished> list;
  for (const auto& c : run.cases) {
    for (const auto& [subject, cell] : c.cells) {
      const auto time = compare::time_of(cell);
      const auto* record = run.find_subject(subject);
      if (cell.status == store::CaseStatus::ok && time && record != nullptr)
        list.push_back({&c, record, time->median_s});
    }
  }
  return list;
}

Row row_of(File& file, const Finished& f, const Json& summary, std::size_t place) {
  const auto& definition = f.c->definition;
  Row row;
  row.object = "cases[" + std::to_string(place) + "]";
  row.parent = definition.id;
  row.operation = definition.workload == "memory"
                      ? find_string(definition.params, "op").value_or("memory")
                      : definition.workload;
  row.framework = f.subject->framework;
  row.device = f.subject->device;
  row.dtype = std::string(name_of(definition.dtype));
  row.machine = file.machine;
  for (const char* name : {"m", "n", "k", "bytes"}) {
    if (const auto value = find_number(definition.params, name)) row.shape[name] = *value;
  }
  for (const Json& leaf : summary) row.fields.push_back(file.values.use(leaf));
  row.figures.push_back({.quantity = Quantity::time,
                         .value = f.time_s,
                         .role = "",
                         .name = "time_s",
                         .field = file.values.use(summary["time_s"])});
  if (const auto rate = rate_of(*f.c, f.time_s)) {
    row.figures.push_back({.quantity = rate->first,
                           .value = rate->second,
                           .role = "",
                           .name = "rate",
                           .field = file.values.use(summary["rate"])});
  }
  return row;
}

}  // namespace

bool is_own_journal(std::string_view text) {
  const auto first = text.substr(0, text.find('\n'));
  return trim(first).starts_with('{') && first.find("\"mlbench.journal/") != std::string_view::npos;
}

Status read_journal(File& file, std::string_view text) {
  file.format = "journal of mlbench";
  store::RunData run;
  Json unknown = Json::array();
  int number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;  // the line in flight when the run was killed
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto where = "line " + std::to_string(++number);
    auto json = parse_json(line);
    if (!json) return std::move(json).error().in(where);
    if (auto added = run.add(*json); !added) return std::move(added).error().in(where);
    const auto type = find_string(*json, "type").value_or("");
    const bool known = type == "verdict" || type == "end" ||
                       std::find(kKnownLines.begin(), kKnownLines.end(), type) != kKnownLines.end();
    if (known) {
      file.further_values += count_leaves(*json);
    } else {
      unknown.push_back(*std::move(json));
    }
  }
  const auto finished = finished_cases(run);
  Json cases = Json::array();
  for (const auto& f : finished) cases.push_back(summary_of(*f.c, f.subject->name, f.time_s));
  file.derived_values = count_leaves(cases);
  file.root =
      std::make_unique<Json>(Json{{"cases", std::move(cases)}, {"lines", std::move(unknown)}});
  file.values = Values(*file.root);
  file.machine = machine_of(run);
  file.date = find_string(run.header, "started").value_or("");
  for (std::size_t i = 0; i < finished.size(); ++i)
    file.rows.push_back(row_of(file, finished[i], std::as_const(*file.root)["cases"][i], i));
  return Done{};
}

}  // namespace mlbench::importing
