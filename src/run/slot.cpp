#include "run/slot.hpp"

#include "compare/ceilings.hpp"
#include "machine/state.hpp"
#include "run/output_file.hpp"
#include "run/outside.hpp"
#include "run/process_cpu.hpp"
#include "run/slot_state.hpp"
#include "stats/quantile.hpp"
#include "workload/digest.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace mlbench::run {
namespace {

using store::CaseStatus;

/// Outputs up to this size are checked again in every round, larger ones in the first.
constexpr std::int64_t kCheckEveryRoundBytes = std::int64_t{16} << 20;

/// Longer samples are one a block.
constexpr double kLongSample_s = 0.05;

/// After a switch a GPU gets at most this long to settle before a block's samples.
constexpr double kGpuLeadIn_s = 0.05;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

double work_timeout_s(const workload::Case& c) {
  // The slowest kernels seen (scalar loops) reach 0.3 GFLOP/s and 0.5 GB/s.
  const auto work = workload::work_of(c);
  return work.flop / 0.3e9 + work.bytes / 0.5e9;
}

int rows_for(double ready_s, const SlotTime& allowed, double row_s, int most) {
  const double enough_s = std::max(2 * ready_s, allowed.most_rounds_s - ready_s);
  const double blocks_s = std::min(enough_s, allowed.fewest_rounds_s - ready_s);
  const double rows = std::min<double>(most, blocks_s / std::max(row_s, 1e-9));
  return std::max(kFewestRows, static_cast<int>(rows) / 2 * 2);
}

Slot::Slot(SlotContext context, SlotPlan& plan, std::vector<SlotSide> sides)
    : context_(std::move(context)), plan_(plan), sides_(std::move(sides)) {}

Json Slot::line(const char* type, const SlotSide& side) const {
  return {{"type", type},
          {"round", context_.round},
          {"case", context_.definition.id},
          {"subject", side.subject->name}};
}

Answer Slot::ask(SlotSide& side, const char* verb, Json body, double extra_s) {
  body["case"] = context_.definition.id;
  auto answer = side.worker->call(
      verb, std::move(body),
      context_.settings.timeout_s + work_timeout_s(context_.definition) + extra_s);
  // Only on the CPU: a GPU's driver may have work of its own to do in the process.
  if (!answer.failure && compare::device_kind(side.subject->device) == "cpu") side.worker->hold();
  return answer;
}

Status Slot::drop(SlotSide& side, const CallFailure& failure) {
  if (failure.worker_gone) gone_.push_back(side.subject->name);
  side.worker = nullptr;
  if (failure.interrupted) {
    interrupted_ = true;
    return Done{};
  }
  Json outcome = line("outcome", side);
  outcome["status"] = name_of(failure.status);
  outcome["reason"] = failure.reason;
  return context_.journal.write(outcome);
}

Status Slot::for_each_side(Status (Slot::*step)(SlotSide&)) {
  for (SlotSide& side : sides_) {
    if (side.worker == nullptr || interrupted_) continue;
    if (auto ok = (this->*step)(side); !ok) return ok;
  }
  return Done{};
}

Status Slot::prepare(SlotSide& side) {
  if (const auto refused = refused_variant(side.worker->hello(), context_.definition))
    return drop(side, *refused);
  Json body = to_json(context_.definition);
  body["device"] = side.subject->device;
  body["seed"] = context_.settings.seed;
  auto answer = ask(side, "prepare", std::move(body));
  if (answer.failure) return drop(side, *answer.failure);
  if (plan_.calls > 0 && plan_.call_s.contains(side.subject->name)) return Done{};
  Json prepared = line("prepared", side);
  prepared["kernel"] = find_string(answer.body, "kernel").value_or("");
  auto notes = find_strings(answer.body, "notes");
  for (const auto& name : find_strings(answer.body, "fallback"))
    notes.push_back("runs on the CPU: " + name);
  prepared["notes"] = notes;
  if (!find_strings(answer.body, "fallback").empty()) prepared["flags"] = {"fallback"};
  if (const auto bytes = find_int(answer.body, "weight_bytes")) prepared["weight_bytes"] = *bytes;
  if (auto ok = context_.journal.write(prepared); !ok) return ok;
  return check(side, "fresh");
}

std::filesystem::path Slot::output_path(const SlotSide& side) const {
  return context_.scratch / (std::to_string(side.worker->pid()) + ".output");
}

Status Slot::check(SlotSide& side, const char* source) {
  const auto path = output_path(side);
  auto answer = ask(side, "verify", {{"source", source}, {"path", path.string()}});
  if (answer.failure) {
    if (auto room = room_for_output(context_.definition, path); !room) return room;
    return drop(side, *answer.failure);
  }
  auto output = read_output(answer.body, path, std::move(context_.output_buffer));
  if (!output) return drop(side, {.status = CaseStatus::failed, .reason = output.error().message});
  const auto result = context_.checker.check(*output);
  if (static_cast<std::int64_t>(output->bytes.size()) > kCheckEveryRoundBytes)
    side.digest = workload::digest_of(output->bytes);
  context_.output_buffer = std::move(output->bytes);
  Json checked = line("check", side);
  checked.update(Json{{"source", source},
                      {"ok", result.ok},
                      {"method", result.method},
                      {"max_error", result.max_error},
                      {"tolerance", result.tolerance},
                      {"detail", result.detail}});
  if (result.output_error) {
    checked["output_error"] = *result.output_error;
    checked["output_error_of"] = result.output_error_of;
  }
  if (auto ok = context_.journal.write(checked); !ok) return ok;
  side.checked = std::move(checked);
  if (!result.ok) return drop(side, {.status = CaseStatus::wrong_result, .reason = result.detail});
  return Done{};
}

/// Whether the output of the last timed call has the digest of the one that was checked: most
/// calls give the same bits each time, and gigabytes then need not go through a file again.
Result<bool> Slot::is_as_checked(SlotSide& side) {
  if (side.digest.empty()) return false;
  const auto path = output_path(side);
  auto answer =
      ask(side, "verify", {{"source", "last"}, {"path", path.string()}, {"digest", true}});
  if (answer.failure) {
    if (auto ok = drop(side, *answer.failure); !ok) return ok.error();
    return true;
  }
  std::error_code ignored;  // a worker that knows no digests has written the file
  std::filesystem::remove(path, ignored);
  if (find_string(answer.body, "digest") != side.digest) return false;
  Json checked = side.checked;
  checked["source"] = "last";
  checked["method"] =
      find_string(checked, "method").value_or("") + ", by the digest of the output checked before";
  if (auto ok = context_.journal.write(checked); !ok) return ok.error();
  return true;
}

Status Slot::check_last(SlotSide& side) {
  const auto done = is_as_checked(side);
  if (!done) return done.error();
  return *done ? Status(Done{}) : check(side, "last");
}

Status Slot::warm(SlotSide& side) {
  const bool gpu = compare::device_kind(side.subject->device) == "gpu";
  const bool first = !plan_.call_s.contains(side.subject->name);
  // A fresh process warms up fully once (threads, clocks, allocator); its later cases need less.
  const auto& settings = context_.settings;
  const double share = side.fresh ? 1 : 0.25;
  const double sustain_s = context_.definition.variant.alone ? settings.sustain_s : 0;
  const double min_s = sustain_s + settings.warm_min_s.value_or(gpu ? 0.5 : 0.2) * share;
  const double max_s = sustain_s + settings.warm_max_s.value_or(gpu ? 5 : 2) * share;
  const Json rule = {{"min_calls", 3}, {"min_s", min_s}, {"max_s", max_s}};
  auto answer = ask(side, "warm", rule, max_s);
  if (answer.failure) return drop(side, *answer.failure);
  const auto warmed = protocol::warmed_from_json(answer.body);
  if (!warmed)
    return drop(side, {.status = CaseStatus::failed,
                       .reason = "answered warm badly: " + warmed.error().message});
  Json record = line("warm", side);
  record.update(protocol::to_json(*warmed));
  if (auto ok = context_.journal.write(record); !ok) return ok;
  if (!first) return Done{};
  plan_.sync_overhead_s = std::max(plan_.sync_overhead_s, warmed->sync_overhead_s);

  const auto tail =
      std::span(warmed->samples_s).last(std::min<std::size_t>(warmed->samples_s.size(), 20));
  plan_.call_s[side.subject->name] = stats::median(tail).value_or(warmed->first_call_s);
  return Done{};
}

void Slot::plan_rows(double ready_s) {
  double row_s = 0;
  int most = context_.settings.rows;
  for (const SlotSide& side : sides_) {
    if (side.worker == nullptr) continue;
    const auto& name = side.subject->name;
    // A run of few rows has calls of seconds; those of a control are short all the same.
    if (!side.subject->twin_of.empty()) most = std::max(most, Settings{}.rows);
    row_s += plan_.call_s[name] * plan_.calls * (samples_for(name) + 1);
  }
  plan_.rows = rows_for(ready_s, context_.allowed, row_s, most);
}

/// The fewest calls a sample for which neither the clock (200 us on a CPU, 1 ms on a GPU) nor the
/// wait for the device (50 waits) matters on the fastest subject.
void Slot::plan_calls() {
  double calls = 1;
  for (const SlotSide& side : sides_) {
    if (side.worker == nullptr) continue;
    const double clock_s = compare::device_kind(side.subject->device) == "gpu" ? 1e-3 : 200e-6;
    const double least_s = std::max(clock_s, 50 * plan_.sync_overhead_s);
    calls = std::max(calls, std::ceil(least_s / std::max(1e-9, plan_.call_s[side.subject->name])));
  }
  plan_.calls = static_cast<int>(std::min(calls, 10000.0));
  if (plan_.extra_work <= 0) return;
  // A whole number of extra calls, one for each `step`: the share of extra work is exact.
  const int step = std::max(1, static_cast<int>(std::lround(1 / plan_.extra_work)));
  plan_.calls = (plan_.calls + step - 1) / step * step;
}

/// Calls that `side` makes and times beyond those it is said to make.
int Slot::extra_calls(const SlotSide& side) const {
  if (plan_.extra_work <= 0 || side.subject->twin_of.empty()) return 0;
  return static_cast<int>(std::lround(plan_.calls * plan_.extra_work));
}

int Slot::samples_for(const std::string& subject) const {
  const double sample_s = plan_.call_s.at(subject) * plan_.calls;
  if (sample_s > kLongSample_s) return 1;
  return static_cast<int>(
      std::clamp(std::ceil(context_.settings.block_s / std::max(1e-9, sample_s)), 3.0, 1000.0));
}

/// The fastest of `samples` and one more of `calls` calls; empty when the side dropped out.
Result<std::optional<double>> Slot::fastest_s(SlotSide& side, int calls, int samples) {
  const auto answer = ask(side, "block", {{"calls", calls}, {"samples", samples}});
  const auto lose = [&](const CallFailure& failure) -> Result<std::optional<double>> {
    if (auto ok = drop(side, failure); !ok) return ok.error();
    return std::optional<double>{};
  };
  if (answer.failure) return lose(*answer.failure);
  const auto block = protocol::block_from_json(answer.body);
  if (!block || block->samples_s.empty()) {
    return lose(
        {.status = CaseStatus::failed,
         .reason = "answered block badly: " + (block ? "no samples" : block.error().message)});
  }
  return std::optional(*std::min_element(block->samples_s.begin(), block->samples_s.end()));
}

/// Twice the calls must take twice the time, or calls overlap, are left out, or are not waited for.
/// Noise can spoil one comparison, so five have to agree before the case is flagged. Where a sample
/// takes over 50 ms (as in samples_for()) five would take a minute and no wait is short enough to
/// matter: two that are off by a fifth are believed, since calls left out halve the time.
Status Slot::check_linearity(SlotSide& side) {
  const bool is_long = plan_.call_s.at(side.subject->name) * plan_.calls > kLongSample_s;
  const std::size_t most = is_long ? 2 : 5;
  const int samples = is_long ? 1 : 2;
  const double tolerance = is_long ? 0.2 : 0.05;
  std::vector<double> ratios;
  bool all_below = true, all_above = true;
  while (ratios.size() < most && (all_below || all_above)) {
    const auto once = fastest_s(side, plan_.calls, samples);
    if (!once) return once.error();
    if (!*once) return Done{};
    const auto twice = fastest_s(side, 2 * plan_.calls, samples);
    if (!twice) return twice.error();
    if (!*twice) return Done{};
    ratios.push_back(**twice / **once);
    all_below = all_below && ratios.back() < 1 - tolerance;
    all_above = all_above && ratios.back() > 1 + tolerance;
  }
  Json record = line("prepared", side);
  const auto* cell = context_.journal.data().find_cell(context_.definition.id, side.subject->name);
  record.update(Json{{"kernel", cell->kernel},
                     {"notes", cell->notes},
                     {"calls", plan_.calls},
                     {"linearity", ratios}});
  if (all_below || all_above) record["flags"] = {"nonlinear"};
  return context_.journal.write(record);
}

Status Slot::block(SlotSide& side, int row, int position) {
  const int extra = extra_calls(side);
  Json request = {{"calls", plan_.calls}, {"samples", samples_for(side.subject->name)}};
  if (extra > 0) request["extra_calls"] = extra;
  const bool gpu = compare::device_kind(side.subject->device) == "gpu";
  if (gpu) request["lead_in_s"] = kGpuLeadIn_s;
  const OutsideWatch watch;
  const CpuUse waiting(context_.processes, side.worker->pid());
  auto answer = ask(side, "block", std::move(request));
  const auto waiters_cpu_s = waiting.used_s();
  // Right after it, before the clock has had time to fall: the driver's power is a mean over the
  // last tenths of a second.
  const Json gpu_state = gpu ? gpu_fields(machine::gpu_states()) : Json::object();
  if (answer.failure) return drop(side, *answer.failure);
  const auto block = protocol::block_from_json(answer.body);
  const auto expected = static_cast<std::size_t>(samples_for(side.subject->name)) + 1;
  if (!block || block->samples_s.size() != expected) {
    const auto why = block ? "sent " + std::to_string(block->samples_s.size()) + " samples, " +
                                 std::to_string(expected) + " were asked for"
                           : "answered block badly: " + block.error().message;
    return drop(side, {.status = CaseStatus::failed, .reason = why});
  }
  if (std::any_of(block->samples_s.begin(), block->samples_s.end(),
                  [](double t) { return t <= 0; })) {
    return drop(side, {.status = CaseStatus::failed, .reason = "sent a time that is not positive"});
  }
  Json record = line("block", side);
  record.update(Json{{"row", row}, {"position", position}, {"calls", plan_.calls}});
  if (extra > 0) record["extra_calls"] = extra;
  if (waiters_cpu_s) record["waiters_cpu_s"] = *waiters_cpu_s;
  record.update(protocol::to_json(*block));
  record.update(gpu_state);
  const auto outside =
      watch.events(answer.longest_pause_s, find_strings(gpu_state, "gpu_clock_reasons"));
  if (!outside.empty()) record["outside"] = outside;
  return context_.journal.write(record);
}

/// All rows, and what the machine did meanwhile.
Status Slot::measure() {
  const auto start = std::chrono::steady_clock::now();
  auto own = context_.processes;
  own.push_back(::getpid());
  const auto before = machine::sample_state();
  const CpuUse use(own);
  if (auto ok = rows(); !ok) return ok;
  plan_.blocks_s = seconds_since(start);
  if (interrupted_) return Done{};
  const auto own_cpu_s = use.used_s();
  Json record = {{"type", "state"}, {"round", context_.round}, {"case", context_.definition.id}};
  record.update(state_fields(before, machine::sample_state(), own_cpu_s));
  return context_.journal.write(record);
}

/// Rows of one block a subject: in random order, then in the reverse of it (ABBA), and so on.
Status Slot::rows() {
  std::vector<std::size_t> order(sides_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int row = 0; row < plan_.rows; ++row) {
    if (row % 2 == 0) {
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[context_.random() % i]);
    } else {
      std::reverse(order.begin(), order.end());
    }
    for (std::size_t position = 0; position < order.size(); ++position) {
      SlotSide& side = sides_[order[position]];
      if (side.worker == nullptr || interrupted_) continue;
      if (auto ok = block(side, row, static_cast<int>(position)); !ok) return ok;
    }
  }
  return Done{};
}

Result<std::vector<std::string>> Slot::run() {
  const auto start = std::chrono::steady_clock::now();
  // Of any side: those of a case that alternates come one by one.
  const bool first = std::any_of(sides_.begin(), sides_.end(), [&](const SlotSide& s) {
    return !plan_.call_s.contains(s.subject->name);
  });
  if (auto ok = for_each_side(&Slot::prepare); !ok) return ok.error();
  if (auto ok = for_each_side(&Slot::warm); !ok) return ok.error();
  if (plan_.calls == 0) plan_calls();
  if (plan_.rows == 0) plan_rows(seconds_since(start));
  if (first) {
    if (auto ok = for_each_side(&Slot::check_linearity); !ok) return ok.error();
  }
  if (auto ok = measure(); !ok) return ok.error();
  if (first || workload::output_of(context_.definition).bytes() <= kCheckEveryRoundBytes) {
    if (auto ok = for_each_side(&Slot::check_last); !ok) return ok.error();
  }
  std::vector<std::string> completed;
  for (SlotSide& side : sides_) {
    if (side.worker == nullptr || interrupted_) continue;
    completed.push_back(side.subject->name);
    if (auto answer = ask(side, "release", Json::object()); answer.failure) {
      if (auto ok = drop(side, *answer.failure); !ok) return ok.error();
    }
  }
  if (!interrupted_) {
    Json record = {{"type", "slot"},
                   {"round", context_.round},
                   {"case", context_.definition.id},
                   {"subjects", completed},
                   {"duration_s", seconds_since(start)}};
    if (context_.cpu) record["cpu"] = *context_.cpu;
    if (auto ok = context_.journal.write(record); !ok) return ok.error();
  }
  return std::move(gone_);
}

}  // namespace mlbench::run
