#include "store/run_data.hpp"

#include "core/add_once.hpp"

#include <algorithm>
#include <array>

namespace mlbench::store {
namespace {

constexpr std::array<std::string_view, 8> kStatusNames = {
    "ok",      "unsupported", "out_of_memory", "timed_out",
    "crashed", "failed",      "wrong_result",  "skipped"};
constexpr std::string_view kSchema = "mlbench.journal/1";

/// The "state" of a round, or of the machine in a header; all unknown where there is none.
RoundState state_under(const Json& object) {
  const auto state = object.find("state");
  if (state == object.end()) return {};
  return {.load_1m = find_number(*state, "load_1m"),
          .thermal_state = find_string(*state, "thermal_state"),
          .power_source = find_string(*state, "power_source"),
          .low_power_mode = find_bool(*state, "low_power_mode")};
}

workload::RateUnit parse_unit(std::string_view name) {
  using workload::RateUnit;
  for (const RateUnit unit :
       {RateUnit::flop_per_s, RateUnit::bytes_per_s, RateUnit::tokens_per_s}) {
    if (name_of(unit) == name) return unit;
  }
  return RateUnit::op_per_s;
}

/// Of a line that a field is missing from: an `io` error, since the file is what is wrong.
Error broken(Error error) {
  return fail(ErrorKind::io, std::move(error.message));
}

}  // namespace

std::string_view name_of(CaseStatus status) noexcept {
  return kStatusNames[static_cast<std::size_t>(status)];
}

std::optional<CaseStatus> parse_case_status(std::string_view name) noexcept {
  const auto it = std::find(kStatusNames.begin(), kStatusNames.end(), name);
  if (it == kStatusNames.end()) return std::nullopt;
  return static_cast<CaseStatus>(it - kStatusNames.begin());
}

bool is_failure(CaseStatus status) noexcept {
  return status != CaseStatus::ok && status != CaseStatus::skipped &&
         status != CaseStatus::unsupported;
}

Status RunData::add_run(const Json& line) {
  const auto schema = get_string(line, "schema");
  if (!schema) return broken(schema.error());
  if (*schema != kSchema) {
    return fail(ErrorKind::io,
                "is written as " + *schema + ", this program reads " + std::string(kSchema));
  }
  header = line;
  if (const auto machine = line.find("machine"); machine != line.end())
    begun = state_under(*machine);
  return Done{};
}

Status RunData::add_subject(const Json& line) {
  const auto name = get_string(line, "subject");
  if (!name) return broken(name.error());
  SubjectRecord record{
      .name = *name,
      .framework = find_string(line, "framework").value_or(""),
      .device = find_string(line, "device").value_or(""),
      .status =
          parse_case_status(find_string(line, "status").value_or("ok")).value_or(CaseStatus::ok),
      .reason = find_string(line, "reason").value_or(""),
      .facts = line.contains("facts") ? line["facts"] : Json::object()};
  const auto it = std::find_if(subjects.begin(), subjects.end(),
                               [&](const auto& s) { return s.name == *name; });
  if (it == subjects.end()) {
    subjects.push_back(std::move(record));
  } else {
    *it = std::move(record);
  }
  return Done{};
}

Status RunData::add_ceiling(const Json& line) {
  const auto subject = get_string(line, "subject");
  if (!subject) return broken(subject.error());
  const auto resource = get_string(line, "resource");
  if (!resource) return broken(resource.error());
  const auto rate = find_number(line, "rate");
  if (!rate || *rate <= 0) return fail(ErrorKind::io, "field \"rate\" is not a positive number");
  const auto threads = find_int(line, "threads");
  ceilings.push_back(
      {.subject = *subject,
       .resource = *resource,
       .rate = *rate,
       .working_set_bytes = find_number(line, "working_set_bytes"),
       .name = find_string(line, "name").value_or(""),
       .threads = threads ? std::optional(static_cast<int>(*threads)) : std::nullopt});
  return Done{};
}

Status RunData::add_case(const Json& line) {
  const auto id = get_string(line, "case");
  if (!id) return broken(id.error());
  const auto workload_name = get_string(line, "workload");
  if (!workload_name) return broken(workload_name.error());
  const auto dtype = workload::parse_dtype(find_string(line, "dtype").value_or(""));
  if (!dtype) return fail(ErrorKind::io, "field \"dtype\" is not a dtype");
  CaseRecord record;
  record.definition = {.id = *id,
                       .workload = *workload_name,
                       .dtype = *dtype,
                       .params = line.contains("params") ? line["params"] : Json::object(),
                       .variant = workload::variant_from_json(line)};
  record.work = {.flop = find_number(line, "flop").value_or(0),
                 .bytes = find_number(line, "bytes").value_or(0),
                 .unit = parse_unit(find_string(line, "unit").value_or("")),
                 .tokens = find_number(line, "tokens").value_or(0),
                 .ops = find_number(line, "ops").value_or(0)};
  record.alternating = find_bool(line, "alternating").value_or(false);
  if (line.contains("control")) {
    record.control = {.subject = find_string(line["control"], "subject").value_or(""),
                      .extra_work = find_number(line["control"], "extra_work").value_or(0)};
  }
  if (case_index_.emplace(*id, cases.size()).second) cases.push_back(std::move(record));
  return Done{};
}

template <class Line>
Result<Cell*> RunData::cell_of(const Line& line) {
  const auto id = get_string(line, "case");
  if (!id) return broken(id.error());
  const auto subject = get_string(line, "subject");
  if (!subject) return broken(subject.error());
  CaseRecord* record = case_named(*id);
  if (record == nullptr) return fail(ErrorKind::io, "case " + *id + " was not declared before");
  return &record->cells[*subject];
}

template <class Line>
Status RunData::add_outcome(const Line& line) {
  const auto cell = cell_of(line);
  if (!cell) return cell.error();
  const auto status = parse_case_status(find_string(line, "status").value_or(""));
  if (!status) return fail(ErrorKind::io, "field \"status\" is not a status");
  (*cell)->status = *status;
  (*cell)->reason = find_string(line, "reason").value_or("");
  return Done{};
}

template <class Line>
Status RunData::add_prepared(const Line& line) {
  const auto cell = cell_of(line);
  if (!cell) return cell.error();
  (*cell)->kernel = find_string(line, "kernel").value_or("");
  (*cell)->notes = find_strings(line, "notes");
  if (const auto bytes = find_int(line, "weight_bytes")) (*cell)->weight_bytes = bytes;
  if (const auto calls = find_int(line, "calls")) (*cell)->calls = static_cast<int>(*calls);
  add_once((*cell)->flags, find_strings(line, "flags"));
  return Done{};
}

template <class Line>
Status RunData::add_check(const Line& line) {
  const auto cell = cell_of(line);
  if (!cell) return cell.error();
  const CheckRecord check{.ok = find_bool(line, "ok").value_or(false),
                          .method = find_string(line, "method").value_or(""),
                          .detail = find_string(line, "detail").value_or(""),
                          .max_error = find_number(line, "max_error"),
                          .tolerance = find_number(line, "tolerance"),
                          .output_error = find_number(line, "output_error"),
                          .output_error_of = find_string(line, "output_error_of").value_or("")};
  auto& kept = (*cell)->check;
  if (!kept || kept->ok) kept = check;  // a failed check is never overwritten by a later good one
  return Done{};
}

template <class Line>
Status RunData::add_warm(const Line& line) {
  const auto cell = cell_of(line);
  if (!cell) return cell.error();
  if (!(*cell)->first_call_s) (*cell)->first_call_s = find_number(line, "first_call_s");
  ++(*cell)->warmups;
  if (find_bool(line, "settled") == false) ++(*cell)->unsettled_warmups;
  auto& flags = (*cell)->flags;
  std::erase(flags, "unsettled");
  if (2 * (*cell)->unsettled_warmups > (*cell)->warmups) flags.emplace_back("unsettled");
  return Done{};
}

template <class Line>
Status RunData::add_block(const Line& line) {
  const auto cell = cell_of(line);
  if (!cell) return cell.error();
  auto samples = get_numbers(line, "samples_s");
  if (!samples) return broken(samples.error());
  if (samples->size() < 2)
    return fail(ErrorKind::io, "field \"samples_s\" needs a lead-in and a sample");
  const auto round = get_int(line, "round");
  if (!round) return broken(round.error());
  const auto row = get_int(line, "row");
  if (!row) return broken(row.error());
  BlockRecord block{.round = static_cast<int>(*round),
                    .row = static_cast<int>(*row),
                    .start_ns = find_int(line, "start_ns").value_or(0),
                    .samples_s = {}};
  const double calls = static_cast<double>(find_int(line, "calls").value_or(1));
  for (const double t : *samples) block.duration_s += t * calls;
  block.spin_s = find_number(line, "spin_s");
  block.lead_in_s = block.spin_s.value_or(0);
  if (const auto lead_in = get_numbers(line, "lead_in_samples_s")) {
    for (const double t : *lead_in) block.lead_in_s += t * calls;
  }
  block.device_spin_s = find_number(line, "device_spin_s");
  block.gpu_clock_hz = find_number(line, "gpu_clock_hz");
  block.gpu_temperature_c = find_number(line, "gpu_temperature_c");
  block.gpu_power_w = find_number(line, "gpu_power_w");
  block.gpu_clock_reasons = find_strings(line, "gpu_clock_reasons");
  block.outside = find_strings(line, "outside");
  block.waiters_cpu_s = find_number(line, "waiters_cpu_s");
  block.involuntary_switches = find_int(line, "involuntary_switches");
  block.samples_s.assign(samples->begin() + 1, samples->end());
  if (auto times = get_numbers(line, "token_times_s")) block.token_times_s = *std::move(times);
  block.framework_peak_bytes = find_int(line, "framework_peak_bytes");
  block.process_peak_bytes = find_int(line, "process_peak_bytes");
  last_round = std::max(last_round, block.round);
  (*cell)->extra_calls = static_cast<int>(find_int(line, "extra_calls").value_or(0));
  auto& pending = pending_[{*find_string(line, "case"), block.round}];
  pending.push_back({*find_string(line, "subject"), std::move(block)});
  return Done{};
}

template <class Line>
Status RunData::add_slot(const Line& line) {
  const auto id = get_string(line, "case");
  if (!id) return broken(id.error());
  const auto round = get_int(line, "round");
  if (!round) return broken(round.error());
  const auto completed = find_strings(line, "subjects");
  const auto key = std::pair{*id, static_cast<int>(*round)};
  CaseRecord* record = case_named(*id);
  if (record == nullptr) return fail(ErrorKind::io, "case " + *id + " was not declared before");
  for (PendingBlock& pending : pending_[key]) {
    if (std::find(completed.begin(), completed.end(), pending.subject) == completed.end()) continue;
    record->cells[pending.subject].blocks.push_back(std::move(pending.block));
  }
  pending_.erase(key);
  last_round = std::max(last_round, key.second);
  if (completed.empty()) return Done{};  // nothing was measured: no round of this case
  slots_[*id].insert(key.second);
  slot_s_[*id] += find_number(line, "duration_s").value_or(0);
  return Done{};
}

template <class Line>
Status RunData::add_state(const Line& line) {
  const auto id = get_string(line, "case");
  if (!id) return broken(id.error());
  const auto round = get_int(line, "round");
  if (!round) return broken(round.error());
  CaseRecord* record = case_named(*id);
  if (record == nullptr) return fail(ErrorKind::io, "case " + *id + " was not declared before");
  const auto number = [&](const char* key) { return find_number(line, key); };
  record->states.push_back({.round = static_cast<int>(*round),
                            .other_fraction = number("other_fraction"),
                            .steal_fraction = number("steal_fraction"),
                            .cpu_pressure_fraction = number("cpu_pressure_fraction"),
                            .memory_pressure_fraction = number("memory_pressure_fraction"),
                            .swapped_in_bytes = find_int(line, "swapped_in_bytes"),
                            .cpu_throttle_count = find_int(line, "cpu_throttle_count"),
                            .load_1m = number("load_1m"),
                            .cpu_clock_hz = number("cpu_clock_hz"),
                            .cpu_temperature_c = number("cpu_temperature_c"),
                            .thermal_state = find_string(line, "thermal_state"),
                            .power_source = find_string(line, "power_source"),
                            .low_power_mode = find_bool(line, "low_power_mode"),
                            .gpu_clock_hz = number("gpu_clock_hz"),
                            .gpu_temperature_c = number("gpu_temperature_c"),
                            .gpu_power_w = number("gpu_power_w"),
                            .gpu_clock_reasons = find_strings(line, "gpu_clock_reasons")});
  return Done{};
}

const SubjectRecord* RunData::find_subject(std::string_view name) const {
  const auto it =
      std::find_if(subjects.begin(), subjects.end(), [&](const auto& s) { return s.name == name; });
  return it == subjects.end() ? nullptr : &*it;
}

const CaseRecord* RunData::find_case(std::string_view id) const {
  const auto it = case_index_.find(std::string(id));
  return it == case_index_.end() ? nullptr : &cases[it->second];
}

CaseRecord* RunData::case_named(const std::string& id) {
  const auto it = case_index_.find(id);
  return it == case_index_.end() ? nullptr : &cases[it->second];
}

Status RunData::add_support(const Json& line) {
  const auto field = [&](const char* name) { return find_string(line, name).value_or(""); };
  SupportRecord record{.subject = field("subject"),
                       .case_id = field("case"),
                       .workload = field("workload"),
                       .dtype = field("dtype"),
                       .params = line.contains("params") ? line["params"] : Json::object(),
                       .support = field("support"),
                       .reason = field("reason"),
                       .kernel = field("kernel"),
                       .call_s = find_number(line, "call_s"),
                       .probed = field("probed")};
  if (record.subject.empty() || record.workload.empty() || record.support.empty())
    return fail(ErrorKind::io, "a line of type \"support\" lacks its subject, workload or support");
  support.push_back(std::move(record));
  return Done{};
}

Status RunData::add_imported(const Json& line) {
  const auto label = get_string(line, "label");
  if (!label) return broken(label.error());
  const auto text = [&](const char* key) { return find_string(line, key).value_or(""); };
  ImportedRecord record{
      .label = *label,
      .case_id = find_string(line, "case"),
      .workload = text("workload"),
      .operation = text("operation"),
      .dtype = text("dtype"),
      .subject = text("subject"),
      .framework = text("framework"),
      .device = text("device"),
      .model = text("model"),
      .status =
          parse_case_status(find_string(line, "status").value_or("ok")).value_or(CaseStatus::ok),
      .reason = text("reason"),
      .time_s = find_number(line, "time_s"),
      .rate = {},
      .unit = workload::RateUnit::op_per_s,
      .doubts = find_strings(line, "doubts")};
  if (line.contains("rate") && line["rate"].is_object()) {
    record.rate = find_number(line["rate"], "value");
    record.unit = parse_unit(find_string(line["rate"], "unit").value_or(""));
  }
  imported.push_back(std::move(record));
  return Done{};
}

const Cell* RunData::find_cell(std::string_view case_id, std::string_view subject) const {
  const CaseRecord* record = find_case(case_id);
  if (record == nullptr) return nullptr;
  const auto it = record->cells.find(std::string(subject));
  return it == record->cells.end() ? nullptr : &it->second;
}

double RunData::mean_slot_s(const std::string& case_id) const {
  const auto it = slot_s_.find(case_id);
  return it == slot_s_.end() ? 0 : it->second / static_cast<double>(rounds_of(case_id).size());
}

const std::set<int>& RunData::rounds_of(const std::string& case_id) const {
  static const std::set<int> none;
  const auto it = slots_.find(case_id);
  return it == slots_.end() ? none : it->second;
}

Status RunData::add(const Json& line) {
  const auto type = get_string(line, "type");
  if (!type) return broken(type.error());
  if (*type == "run") return add_run(line);
  if (*type == "subject") return add_subject(line);
  if (*type == "ceiling") return add_ceiling(line);
  if (*type == "case") return add_case(line);
  if (*type == "outcome") return add_outcome(line);
  if (*type == "support") return add_support(line);
  if (*type == "prepared") return add_prepared(line);
  if (*type == "check") return add_check(line);
  if (*type == "warm") return add_warm(line);
  if (*type == "block") return add_block(line);
  if (*type == "slot") return add_slot(line);
  if (*type == "state") return add_state(line);
  if (*type == "imported") return add_imported(line);
  if (*type == "plan") {  // a plan that was cut off before is void
    pairs.clear();
    cases.clear();
    case_index_.clear();
  } else if (*type == "planned") {
    planned = true;
  } else if (*type == "pair") {
    pairs.push_back({.a = find_string(line, "a").value_or(""),
                     .b = find_string(line, "b").value_or(""),
                     .control = find_bool(line, "control").value_or(false)});
  } else if (*type == "round") {
    finished_rounds.insert(static_cast<int>(find_int(line, "round").value_or(0)));
    round_states.push_back(state_under(line));
  } else if (*type == "self_test") {
    self_tests[find_string(line, "subject").value_or("")] = {
        .waited = find_bool(line, "waited"), .reason = find_string(line, "reason").value_or("")};
  } else if (*type == "limit") {
    limits.push_back(line);
  } else if (*type == "notice") {
    notices.push_back(line);
  } else if (*type == "doubt") {
    imported_doubts.push_back(find_string(line, "sentence").value_or(""));
  } else if (*type == "end") {
    end = line;
  }
  return Done{};
}

bool RunData::add_flat(const FlatLine& line) {
  const auto type = find_string(line, "type");
  if (!type) return false;
  if (*type == "block") return add_block(line).has_value();
  if (*type == "prepared") return add_prepared(line).has_value();
  if (*type == "check") return add_check(line).has_value();
  if (*type == "warm") return add_warm(line).has_value();
  if (*type == "slot") return add_slot(line).has_value();
  if (*type == "state") return add_state(line).has_value();
  if (*type == "outcome") return add_outcome(line).has_value();
  return *type == "process" || *type == "estimate" || *type == "verdict";  // read by nobody
}

}  // namespace mlbench::store
