#include "run/limit_probe.hpp"

#include "core/units.hpp"
#include "machine/state.hpp"
#include "run/memory_pressure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace mlbench::run {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kResolution = 16 * kMiB;

/// One child after the other: an attempt may cost it its life.
class Child {
 public:
  Child(const Subject& subject, std::filesystem::path log, std::int64_t bound_bytes,
        double timeout_s)
      : subject_(subject), log_(std::move(log)), bound_bytes_(bound_bytes), timeout_s_(timeout_s) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (worker_) worker_->finish();
  }

  /// Adds a buffer and touches all; {} where it was refused or the child did not survive it.
  Attempt add(std::int64_t bytes) {
    const Json body = {{"what", "allocate"},
                       {"device", subject_.device},
                       {"bytes", bytes},
                       {"bound_bytes", bound_bytes_}};
    const auto answer = ask(body);
    if (answer.failure) return {};
    const auto touch_s = find_number(answer.body, "touch_s");
    return {.ok = touch_s.has_value(), .touch_s = touch_s.value_or(0)};
  }
  void free_all() { static_cast<void>(ask({{"what", "free"}})); }

  /// Why the probe is not there at all; empty when it is.
  [[nodiscard]] const std::string& unsupported() const { return unsupported_; }

 private:
  Answer ask(const Json& body) {
    if (!worker_) {
      auto started = Worker::start(subject_, log_, timeout_s_);
      if (auto* failure = std::get_if<CallFailure>(&started))
        return {.body = {}, .failure = *failure};
      worker_.emplace(std::get<Worker>(std::move(started)));
    }
    auto answer = worker_->call("probe", body, timeout_s_);
    if (answer.failure && answer.failure->worker_gone) worker_.reset();
    if (answer.failure && answer.failure->status == store::CaseStatus::unsupported)
      unsupported_ = answer.failure->reason;
    return answer;
  }

  const Subject& subject_;
  std::filesystem::path log_;
  std::int64_t bound_bytes_;
  double timeout_s_;
  std::optional<Worker> worker_;
  std::string unsupported_;
};

std::string percent(double share) {
  return std::to_string(std::lround(share * 100)) + " %";
}

/// What is free for `device` now: of a GPU with memory of its own that, else of the machine, and
/// for a GPU no more than its working set, beyond which a machine that shares its memory swaps.
std::optional<std::int64_t> free_bytes(const machine::Machine& machine, const std::string& device) {
  const bool is_gpu = device != "cpu";
  if (is_gpu && !machine.gpus.empty() && machine.gpus.front().memory_bytes)
    return machine.gpus.front().memory_bytes;
  const auto now = machine::sample_state().memory_available_bytes;
  auto free = now ? now : machine.memory.available_bytes;
  if (const auto& set = machine.memory.gpu_working_set_bytes; is_gpu && free && set)
    free = std::min(*free, *set);
  return free;
}

constexpr const char* kShort = "the system reports that memory is short";

}  // namespace

std::vector<LimitRow> stated_limits(const machine::Machine& m) {
  std::vector<LimitRow> rows;
  const auto add = [&](const char* name, std::optional<std::int64_t> bytes, std::string source) {
    if (!bytes) return;
    LimitRow row;
    row.name = name;
    row.read_bytes = bytes;
    row.source = std::move(source);
    rows.push_back(std::move(row));
  };
  const auto gpu_source = m.memory.gpu_limits_source.value_or("the GPU's framework");
  add("memory_total", m.memory.total_bytes, "the system");
  add("memory_available", m.memory.available_bytes, "the system, when asked");
  add("container_limit", m.memory.cgroup_limit_bytes, "control group");
  add("swap_total", m.memory.swap_total_bytes, "the system");
  add("gpu_working_set", m.memory.gpu_working_set_bytes, gpu_source);
  add("largest_buffer", m.memory.largest_buffer_bytes, gpu_source);
  add("wired_limit", m.memory.wired_limit_bytes, "iogpu.wired_limit_mb");
  for (const auto& gpu : m.gpus) add("gpu_memory", gpu.memory_bytes, gpu.name.value_or("GPU"));
  return rows;
}

std::vector<LimitRow> framework_limits(const Subject& subject, const std::filesystem::path& log,
                                       double timeout_s) {
  std::vector<LimitRow> rows;
  auto started = Worker::start(subject, log, timeout_s);
  auto* worker = std::get_if<Worker>(&started);
  if (worker == nullptr) return rows;
  const auto answer =
      worker->call("probe", {{"what", "limits"}, {"device", subject.device}}, timeout_s);
  worker->finish();
  const auto list = answer.body.find("limits");
  if (answer.failure || list == answer.body.end() || !list->is_array()) return rows;
  for (const Json& limit : *list) {
    auto row = limit_row_from_json(limit);
    row.subject = subject.name;
    if (!row.name.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<LimitRow> measure_limits(const Subject& subject, const machine::Machine& machine,
                                     const std::filesystem::path& log, const LimitSearch& search,
                                     std::string& why_not) {
  const auto free = free_bytes(machine, subject.device);
  if (!free) {
    why_not = "what is free is unknown";
    return {};
  }
  if (memory_is_short(machine::sample_state())) {
    why_not = kShort;
    return {};
  }
  const auto bound = static_cast<std::int64_t>(search.share * static_cast<double>(*free));
  const auto start = Clock::now();
  bool ran_short = false;
  const auto within = [&](double share) {
    return [&search, &ran_short, start, share] {
      ran_short = ran_short || memory_is_short(machine::sample_state());
      if (ran_short) return false;
      const double spent_s = std::chrono::duration<double>(Clock::now() - start).count();
      return !stop_requested() && spent_s < share * search.budget_s;
    };
  };
  Child child(subject, log, bound, search.timeout_s);
  const auto one = largest_passing(
      [&](std::int64_t bytes) {
        const bool ok = child.add(bytes).ok;
        child.free_all();
        return ok;
      },
      bound, kResolution, within(0.5));
  if (!child.unsupported().empty()) {
    why_not = child.unsupported();
    return {};
  }
  const auto total =
      fill([&](std::int64_t bytes) { return child.add(bytes); }, bound,
           std::max(kResolution, std::min(bound / 8, one.passed_bytes)), kResolution, within(1));

  // One buffer is held and touched, too: the search for more may have run out of time.
  Bracket touched = total.touched;
  touched.passed_bytes = std::max(touched.passed_bytes, one.passed_bytes);

  const auto row = [&](const char* name, const Bracket& bracket, const std::string& how) {
    LimitRow r;
    r.name = name;
    r.subject = subject.name;
    r.measured_bytes = bracket.passed_bytes;
    r.refused_bytes = bracket.refused_bytes;
    r.source = how + " in a child process, at most " + percent(search.share) + " of the " +
               format_bytes(static_cast<double>(*free)) + " free" +
               (ran_short               ? std::string("; ended early: ") + kShort
                : bracket.refused_bytes ? ""
                                        : "; nothing was refused: the limit lies beyond");
    return r;
  };
  std::vector<LimitRow> rows = {
      row("largest_allocation", one, "one buffer, every page touched,"),
      row("total_touched", touched, "buffers held and touched together,")};
  LimitRow slow;
  slow.name = "speed_collapse";
  slow.subject = subject.name;
  slow.measured_bytes = total.slow_from_bytes;
  slow.source = total.slow_from_bytes
                    ? "touching all that is held fell below a third of its best speed"
                : total.touched.passed_bytes == 0
                    ? "not tried: no time was left"
                    : "touching all that was held stayed above a third of its best speed";
  rows.push_back(std::move(slow));
  return rows;
}

}  // namespace mlbench::run
