#include "compare/verdicts.hpp"
#include "machine/state.hpp"
#include "run/affinity.hpp"
#include "run/controls.hpp"
#include "run/memory_pressure.hpp"
#include "run/runner_impl.hpp"

#include <algorithm>
#include <random>
#include <thread>

namespace mlbench::run {
namespace {

/// Fisher-Yates over a 64-bit Mersenne twister: std::shuffle orders differently in each library,
/// and the stored seed must give the same order everywhere.
template <class T>
void shuffle(std::vector<T>& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random() % i]);
}

}  // namespace

using store::CaseStatus;

bool cores_are_alike(const Json& machine) {
  const auto cpu = machine.find("cpu");
  if (cpu == machine.end() || !cpu->is_object()) return true;
  const auto groups = cpu->find("groups");
  return groups == cpu->end() || !groups->is_array() || groups->size() < 2;
}

Runner::Runner(store::Journal& journal, Settings settings, const std::vector<Subject>& subjects,
               Observer observer)
    : impl_(std::make_shared<Impl>(Impl{.journal = journal,
                                        .settings = settings,
                                        .sides = {},
                                        .observer = std::move(observer),
                                        .random = std::mt19937_64(settings.seed),
                                        .cases = {},
                                        .scratch = {},
                                        .output_buffer = {},
                                        .failed_trials = {},
                                        .cpus = {}})) {
  const auto machine = journal.data().header.find("machine");
  if (machine == journal.data().header.end() || cores_are_alike(*machine))
    impl_->cpus = usable_cpus();
  for (const auto& s : subjects)
    impl_->sides.push_back(Side{.subject = s, .usable = true, .failed_starts = 0, .worker = {}});
  for (const auto& s : subjects)
    impl_->sides.push_back(
        Side{.subject = twin_of(s), .usable = s.missing.empty(), .failed_starts = 0, .worker = {}});
  impl_->scratch = journal.path();
  impl_->scratch.replace_extension(".logs");
  std::error_code ignored;  // a folder that cannot be made shows when a worker is started
  std::filesystem::create_directories(impl_->scratch, ignored);
}

std::filesystem::path Runner::Impl::log_of(const Subject& s) const {
  auto name = s.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ':' || c == '/'; }, '-');
  return scratch / (name + ".log");
}

Runner::Side& Runner::Impl::side(const std::string& name) {
  return *std::find_if(sides.begin(), sides.end(),
                       [&](const Side& s) { return s.subject.name == name; });
}

std::vector<pid_t> Runner::Impl::processes() const {
  std::vector<pid_t> pids;
  for (const Side& s : sides) {
    if (s.worker) pids.push_back(s.worker->pid());
  }
  return pids;
}

void Runner::Impl::finish_workers() {
  for (Side& s : sides) {
    if (s.worker) s.worker->finish();
    s.worker.reset();
  }
}

std::optional<std::string> Runner::Impl::make_room() {
  if (!memory_is_short(machine::sample_state())) return std::nullopt;
  tell("waiting: memory runs short");
  finish_workers();
  constexpr int kPauses = 40;  // 20 s
  return wait_for_memory(machine::sample_state, kPauses, [] {
    if (!stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  });
}

/// Subjects that take part in `c`: usable, and with no bad outcome so far.
std::vector<std::string> Runner::Impl::participants(const workload::Case& c) const {
  const auto& control = journal.data().find_case(c.id)->control;
  std::vector<std::string> names;
  for (const Side& s : sides) {
    const bool about =
        control ? s.subject.name == control->subject || s.subject.twin_of == control->subject
                : !s.is_twin();
    const auto* cell = journal.data().find_cell(c.id, s.subject.name);
    if (about && s.usable && (cell == nullptr || cell->status == CaseStatus::ok))
      names.push_back(s.subject.name);
  }
  return names;
}

Result<bool> Runner::Impl::ensure_worker(Side& s, int round) {
  if (s.worker) return true;
  const auto start = Clock::now();
  auto started = Worker::start(s.subject, log_of(s.subject), settings.timeout_s);
  if (auto* failure = std::get_if<CallFailure>(&started)) {
    if (failure->interrupted) return false;
    if (++s.failed_starts >= 3) {
      s.usable = false;
      if (auto ok = write_subject(s, failure->status, failure->reason, Json::object()); !ok)
        return ok.error();
    }
    return false;
  }
  s.worker = std::get<Worker>(std::move(started));
  s.is_placed = false;
  if (auto ok = journal.write({{"type", "process"},
                               {"round", round},
                               {"subject", s.subject.name},
                               {"pid", s.worker->pid()},
                               {"start_s", since_s(start)}});
      !ok)
    return ok.error();
  return true;
}

Status Runner::Impl::write_subject(const Side& s, CaseStatus status, const std::string& reason,
                                   const Json& facts) {
  return journal.write({{"type", "subject"},
                        {"subject", s.subject.name},
                        {"framework", s.subject.framework},
                        {"device", s.subject.device},
                        {"status", name_of(status)},
                        {"reason", reason},
                        {"facts", facts}});
}

Status Runner::Impl::write_outcome(const std::string& case_id, const std::string& subject,
                                   CaseStatus status, const std::string& reason) {
  return journal.write({{"type", "outcome"},
                        {"case", case_id},
                        {"subject", subject},
                        {"status", name_of(status)},
                        {"reason", reason}});
}

void Runner::Impl::restore() {
  const auto& data = journal.data();
  for (Side& s : sides) {
    const auto* record = data.find_subject(s.is_twin() ? s.subject.twin_of : s.subject.name);
    s.usable = record != nullptr && record->status == CaseStatus::ok;
  }
  for (const auto& record : data.cases) {
    CaseState state{.definition = record.definition,
                    .checker = {},
                    .plan = {},
                    .active = true,
                    .is_control = record.control.has_value(),
                    .alternating = record.alternating};
    if (record.control) state.plan.extra_work = record.control->extra_work;
    for (const auto& [subject, cell] : record.cells) {
      if (!cell.calls) continue;
      state.plan.calls = *cell.calls;
      if (const auto time = compare::time_of(cell)) state.plan.call_s[subject] = time->median_s;
    }
    state.active = !participants(state.definition).empty();
    if (state.active) cases.push_back(std::move(state));
  }
}

/// Both kinds of measurement of a case make as many calls a sample: then what differs is what the
/// machine does, and not what is timed.
void Runner::Impl::take_calls_of_usual_case(CaseState& state) {
  if (!state.definition.variant.alone || state.plan.calls > 0) return;
  const auto usual = std::find_if(cases.begin(), cases.end(), [&](const CaseState& c) {
    return c.definition.id == id_together(state.definition);
  });
  if (usual != cases.end()) state.plan.calls = usual->plan.calls;
}

/// Leaves the machine to cool down from what came before.
void Runner::Impl::rest(double seconds) const {
  const auto start = Clock::now();
  while (since_s(start) < seconds && !stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

Status Runner::Impl::run_case(CaseState& state, int round) {
  const auto start = Clock::now();
  if (const auto short_of = make_room()) return drop(state, *short_of);
  auto names = participants(state.definition);
  if (!state.alternating) {
    if (auto ok = run_slot(state, round, names); !ok) return ok;
  } else {
    shuffle(names, random);
    take_calls_of_usual_case(state);
    for (const auto& name : names) {
      finish_workers();  // the one that is measured has the memory to itself
      if (state.definition.variant.alone) rest(settings.sustain_s / 2);
      if (auto ok = run_slot(state, round, {name}); !ok) return ok;
      if (stop_requested()) break;
    }
    finish_workers();
  }
  state.last_slot_s = since_s(start);
  state.spent_s += state.last_slot_s;
  return Done{};
}

/// Processes of one thread that are compared compute on the same CPU, another one each round. The
/// scheduler leaves a thread where it is, and CPUs may differ by 20 % for seconds (a sibling that
/// is busy, another guest of the host): that would be in the ratio, however many blocks are
/// measured.
std::optional<int> Runner::Impl::place(const std::vector<std::string>& subjects, int round) {
  if (cpus.size() < 2) return std::nullopt;
  const bool single = std::all_of(subjects.begin(), subjects.end(), [&](const auto& name) {
    const Subject& s = side(name).subject;
    const auto* record = journal.data().find_subject(s.twin_of.empty() ? s.name : s.twin_of);
    return s.device == "cpu" && record != nullptr && find_int(record->facts, "threads") == 1;
  });
  const int cpu = cpus[static_cast<std::size_t>(round) % cpus.size()];
  for (const auto& name : subjects) {
    Side& s = side(name);
    if (!s.worker || (!single && !s.is_placed)) continue;
    place_process(s.worker->pid(), single ? std::vector{cpu} : cpus);
    s.is_placed = single;
  }
  return single ? std::optional(cpu) : std::nullopt;
}

Status Runner::Impl::run_slot(CaseState& state, int round,
                              const std::vector<std::string>& subjects) {
  std::vector<SlotSide> taking_part;
  for (const auto& name : subjects) {
    Side& s = side(name);
    const bool fresh = !s.worker;
    const auto up = ensure_worker(s, round);
    if (!up) return up.error();
    if (*up) taking_part.push_back({.subject = &s.subject, .worker = &*s.worker, .fresh = fresh});
  }
  if (stop_requested()) return Done{};  // else a slot without its sides would count as a round
  if (!state.checker)
    state.checker = workload::find_workload(state.definition.workload)
                        ->make_checker(state.definition, settings.seed);
  Slot slot({.journal = journal,
             .settings = settings,
             .random = random,
             .definition = state.definition,
             .checker = *state.checker,
             .scratch = scratch,
             .output_buffer = output_buffer,
             .round = round,
             .allowed = allowed_slot_time(),
             .cpu = place(subjects, round),
             .processes = processes()},
            state.plan, std::move(taking_part));
  auto lost = slot.run();
  if (!lost) return lost.error();
  for (const auto& name : *lost) side(name).worker.reset();
  return Done{};
}

/// One round of fresh processes over the active cases in random order. False when the user stopped
/// it.
Result<bool> Runner::Impl::run_round(int round) {
  std::vector<CaseState*> order;
  for (CaseState& c : cases) {
    if (c.active) order.push_back(&c);
  }
  shuffle(order, random);
  // Last, since they leave no process for a case that comes after.
  std::stable_partition(order.begin(), order.end(), [](const auto* c) { return !c->alternating; });
  std::size_t done = 0;
  for (CaseState* state : order) {
    tell("round " + std::to_string(round + 1) + ", case " + std::to_string(++done) + " of " +
         std::to_string(order.size()) + ": " + state->definition.id);
    if (auto ok = run_case(*state, round); !ok) return ok.error();
    if (stop_requested()) return false;
  }
  finish_workers();
  output_buffer = {};
  if (auto ok = journal.write(
          {{"type", "round"}, {"round", round}, {"state", to_json(machine::sample_state())}});
      !ok)
    return ok.error();
  return true;
}

Result<Ending> Runner::measure() {
  Impl& r = *impl_;
  r.restore();
  const auto start = Clock::now();
  const auto& data = r.journal.data();
  // Not the number of a round that was cut off: its blocks come from other processes.
  const int first = data.last_round + 1;
  r.random.seed(r.settings.seed +
                static_cast<std::uint64_t>(first));  // a resumed run goes on with another order
  for (int round = first;; ++round) {
    if (!r.choose_cases(r.settings.budget_s - since_s(start)))
      return r.lacks_time() ? Ending::budget_spent : Ending::finished;
    const auto round_start = Clock::now();
    const auto completed = r.run_round(round);
    if (!completed) return completed.error();
    if (!*completed) return Ending::interrupted;
    const double round_s = since_s(round_start);
    if (r.observer.round_done) r.observer.round_done(r.journal.data());
    if (round == 1) {
      if (auto ok = r.fit_into_budget(round_s, since_s(start)); !ok) return ok.error();
    }
    const auto finished = static_cast<int>(data.finished_rounds.size());
    if (finished >= r.settings.min_rounds && since_s(start) + round_s > r.settings.budget_s)
      return Ending::budget_spent;
  }
}

std::vector<std::string> usable_subjects(const store::RunData& run) {
  std::vector<std::string> names;
  for (const auto& s : run.subjects) {
    if (s.status == CaseStatus::ok) names.push_back(s.name);
  }
  return names;
}

}  // namespace mlbench::run
