#include "run/runner.hpp"

#include "compare/verdicts.hpp"
#include "core/text.hpp"
#include "machine/state.hpp"
#include "run/memory_pressure.hpp"
#include "run/slot.hpp"
#include "stats/quantile.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <thread>

namespace mlbench::run {
namespace {

using Clock = std::chrono::steady_clock;
using store::CaseStatus;

double since_s(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Fisher-Yates over a 64-bit Mersenne twister: std::shuffle orders differently in each library,
/// and the stored seed must give the same order everywhere.
template <class T>
void shuffle(std::vector<T>& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random() % i]);
}

}  // namespace

/// One subject while the run lasts.
struct Runner::Side {
  Subject subject;
  bool usable = true;
  int failed_starts = 0;
  std::optional<Worker> worker;
};

/// One case while the run lasts.
struct Runner::CaseState {
  workload::Case definition;
  std::unique_ptr<workload::Checker> checker;
  SlotPlan plan;
  double spent_s = 0, last_slot_s = 0;
  bool active = true;
};

struct Runner::Impl {
  store::Journal& journal;
  Settings settings;
  std::vector<Side> sides;
  Observer observer;
  std::mt19937_64 random;
  std::vector<CaseState> cases;
  std::filesystem::path scratch;
  std::map<std::pair<std::string, std::string>, CallFailure> failed_trials;  // by case, subject

  [[nodiscard]] std::filesystem::path log_of(const Subject& s) const {
    auto name = s.name;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ':' || c == '/'; }, '-');
    return scratch / (name + ".log");
  }
  void tell(const std::string& step) const {
    if (observer.step) observer.step(step);
  }
  Side& side(const std::string& name) {
    return *std::find_if(sides.begin(), sides.end(),
                         [&](const Side& s) { return s.subject.name == name; });
  }

  /// Starts a worker where none runs. False when it does not come up; a subject that fails to start
  /// three times is given up.
  Result<bool> ensure_worker(Side& s, int round) {
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
    if (auto ok = journal.write({{"type", "process"},
                                 {"round", round},
                                 {"subject", s.subject.name},
                                 {"pid", s.worker->pid()},
                                 {"start_s", since_s(start)}});
        !ok)
      return ok.error();
    return true;
  }

  Status write_subject(const Side& s, CaseStatus status, const std::string& reason,
                       const Json& facts) {
    return journal.write({{"type", "subject"},
                          {"subject", s.subject.name},
                          {"framework", s.subject.framework},
                          {"device", s.subject.device},
                          {"status", name_of(status)},
                          {"reason", reason},
                          {"facts", facts}});
  }

  Status write_outcome(const std::string& case_id, const std::string& subject, CaseStatus status,
                       const std::string& reason) {
    return journal.write({{"type", "outcome"},
                          {"case", case_id},
                          {"subject", subject},
                          {"status", name_of(status)},
                          {"reason", reason}});
  }

  /// A case that crashed or was refused when it was tried is that, and not skipped by plan.
  Status leave_out(const std::string& case_id, const std::string& subject,
                   const std::string& reason) {
    const auto failed = failed_trials.find({case_id, subject});
    if (failed == failed_trials.end())
      return write_outcome(case_id, subject, CaseStatus::skipped, reason);
    return write_outcome(case_id, subject, failed->second.status, failed->second.reason);
  }

  Status declare_case(const workload::Case& c) {
    const auto work = workload::work_of(c);
    Json line = {{"type", "case"}, {"case", c.id}};
    line.update(to_json(c));
    line.update(Json{{"flop", work.flop},
                     {"bytes", work.bytes},
                     {"unit", name_of(work.unit)},
                     {"memory_bytes", workload::memory_bytes_of(c)}});
    if (work.tokens > 0) line["tokens"] = work.tokens;
    if (work.ops > 0) line["ops"] = work.ops;
    return journal.write(line);
  }

  /// Subjects that take part in `c`: usable, and with no bad outcome so far.
  std::vector<std::string> participants(const workload::Case& c) const {
    std::vector<std::string> names;
    for (const Side& s : sides) {
      const auto* cell = journal.data().find_cell(c.id, s.subject.name);
      if (s.usable && (cell == nullptr || cell->status == CaseStatus::ok))
        names.push_back(s.subject.name);
    }
    return names;
  }

  /// Ends all workers and waits where the system says that memory runs short. Empty when there is
  /// enough, else why the next case cannot be run.
  std::optional<std::string> make_room() {
    if (!memory_is_short(machine::sample_state())) return std::nullopt;
    tell("waiting: memory runs short");
    for (Side& s : sides) {
      if (s.worker) s.worker->finish();
      s.worker.reset();
    }
    constexpr int kPauses = 40;  // 20 s
    return wait_for_memory(machine::sample_state, kPauses, [] {
      if (!stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    });
  }

  Result<plan::Estimate> try_case(Side& s, const workload::Case& c);
  Status scout_family(Side& s, const plan::Family& family, plan::Estimates& estimates);
  Result<bool> run_round(int round);
  Status run_slot(CaseState& state, int round);
  bool is_settled(const CaseState& state) const;
  Status fit_into_budget(double round_s, double used_s);
  Status drop(CaseState& state, const std::string& reason);
  void restore();
};

Runner::Runner(store::Journal& journal, Settings settings, std::vector<Subject> subjects,
               Observer observer)
    : impl_(std::make_shared<Impl>(Impl{.journal = journal,
                                        .settings = settings,
                                        .sides = {},
                                        .observer = std::move(observer),
                                        .random = std::mt19937_64(settings.seed),
                                        .cases = {},
                                        .scratch = {},
                                        .failed_trials = {}})) {
  for (auto& s : subjects)
    impl_->sides.push_back(
        Side{.subject = std::move(s), .usable = true, .failed_starts = 0, .worker = {}});
  impl_->scratch = journal.path();
  impl_->scratch.replace_extension(".logs");
  std::error_code ignored;  // a folder that cannot be made shows when a worker is started
  std::filesystem::create_directories(impl_->scratch, ignored);
}

Status Runner::describe_subjects() {
  Impl& r = *impl_;
  for (Side& s : r.sides) {
    if (!s.subject.missing.empty()) {
      s.usable = false;
      if (auto ok = r.write_subject(s, CaseStatus::unsupported, s.subject.missing, Json::object());
          !ok)
        return ok;
      continue;
    }
    r.tell("starting " + s.subject.name);
    auto started = Worker::start(s.subject, r.log_of(s.subject), r.settings.timeout_s);
    CallFailure failure;
    if (auto* worker = std::get_if<Worker>(&started)) {
      s.worker = std::move(*worker);
      auto answer =
          s.worker->call("describe", {{"device", s.subject.device}}, r.settings.timeout_s);
      if (!answer.failure) {
        if (auto ok = r.write_subject(s, CaseStatus::ok, "", answer.body); !ok) return ok;
        continue;
      }
      failure = *answer.failure;
      s.worker->finish();
      s.worker.reset();
    } else {
      failure = std::get<CallFailure>(started);
    }
    s.usable = false;
    if (auto ok = r.write_subject(s, failure.status, failure.reason, Json::object()); !ok)
      return ok;
  }
  return Done{};
}

Result<plan::Estimate> Runner::Impl::try_case(Side& s, const workload::Case& c) {
  if (const auto short_of = make_room()) return plan::Estimate{.call_s = {}, .reason = *short_of};
  const auto up = ensure_worker(s, -1);
  if (!up) return up.error();
  if (!*up) return plan::Estimate{.call_s = {}, .reason = "the worker does not start"};
  const double timeout_s = settings.timeout_s + work_timeout_s(c);
  Json body = to_json(c);
  body["device"] = s.subject.device;
  body["seed"] = settings.seed;
  Answer answer{.body = {}, .failure = refused_variant(s.worker->hello(), c)};
  if (!answer.failure) answer = s.worker->call("prepare", std::move(body), timeout_s);
  if (!answer.failure) {
    answer = s.worker->call("warm", {{"case", c.id}, {"min_calls", 3}, {"min_s", 0}, {"max_s", 0}},
                            timeout_s);
  }
  if (answer.failure) {
    if (answer.failure->worker_gone) s.worker.reset();
    failed_trials[{c.id, s.subject.name}] = *answer.failure;
    return plan::Estimate{
        .call_s = {},
        .reason = std::string(name_of(answer.failure->status)) + ": " + answer.failure->reason};
  }
  static_cast<void>(s.worker->call("release", {{"case", c.id}}, timeout_s));
  const auto warmed = protocol::warmed_from_json(answer.body);
  if (!warmed) return plan::Estimate{.call_s = {}, .reason = "failed: " + warmed.error().message};
  double fastest_s = warmed->first_call_s;
  for (const double t : warmed->samples_s) fastest_s = std::min(fastest_s, t);
  return plan::Estimate{.call_s = fastest_s, .reason = {}};
}

Status Runner::Impl::scout_family(Side& s, const plan::Family& family, plan::Estimates& estimates) {
  const double allowed_s = 2 * plan::limits_of(settings.preset).call_s;
  const workload::Case* previous = nullptr;
  double previous_s = 0;
  for (const auto& c : family.candidates) {
    if (stop_requested()) return Done{};
    auto& estimate = estimates[c.id][s.subject.name];
    if (previous != nullptr && family.limited_by_time) {
      const double expected_s = plan::extrapolate_s(*previous, previous_s, c);
      if (expected_s > allowed_s) {
        estimate.call_s = expected_s;
        continue;
      }
    }
    tell("trying " + s.subject.name + " " + c.id);
    auto tried = try_case(s, c);
    if (!tried) return tried.error();
    estimate = *tried;
    if (!estimate.call_s) continue;
    previous = &c;
    previous_s = *estimate.call_s;
  }
  return Done{};
}

Result<plan::Estimates> Runner::scout(const plan::Candidates& candidates) {
  Impl& r = *impl_;
  plan::Estimates estimates;
  for (Side& s : r.sides) {
    if (!s.usable) continue;
    for (const plan::Family& family : candidates.families) {
      if (auto ok = r.scout_family(s, family, estimates); !ok) return ok.error();
    }
    if (s.worker) s.worker->finish();
    s.worker.reset();
  }
  for (const auto& [id, by_subject] : estimates) {
    for (const auto& [subject, e] : by_subject) {
      if (auto ok = r.journal.write({{"type", "estimate"},
                                     {"case", id},
                                     {"subject", subject},
                                     {"call_s", to_json_or_null(e.call_s)},
                                     {"reason", e.reason}});
          !ok)
        return ok.error();
    }
  }
  return estimates;
}

Status Runner::declare(const std::vector<PairPlan>& pairs, const plan::Selection& selection) {
  Impl& r = *impl_;
  if (auto ok = r.journal.write({{"type", "plan"}}); !ok) return ok;
  for (const PairPlan& p : pairs) {
    if (auto ok =
            r.journal.write({{"type", "pair"}, {"a", p.a}, {"b", p.b}, {"control", p.control}});
        !ok)
      return ok;
  }
  for (const auto& c : selection.chosen) {
    if (auto ok = r.declare_case(c); !ok) return ok;
  }
  for (const auto& left : selection.left_out) {
    if (auto ok = r.declare_case(left.definition); !ok) return ok;
    for (const Side& s : r.sides) {
      if (!s.usable) continue;
      if (auto ok = r.leave_out(left.definition.id, s.subject.name, left.reason); !ok) return ok;
    }
  }
  for (const auto& e : selection.excluded) {
    if (auto ok = r.leave_out(e.case_id, e.subject, e.reason); !ok) return ok;
  }
  return r.journal.write({{"type", "planned"}});
}

void Runner::Impl::restore() {
  const auto& data = journal.data();
  for (Side& s : sides) {
    const auto* record = data.find_subject(s.subject.name);
    s.usable = record != nullptr && record->status == CaseStatus::ok;
  }
  for (const auto& record : data.cases) {
    CaseState state{.definition = record.definition, .checker = {}, .plan = {}, .active = true};
    for (const auto& [subject, cell] : record.cells) {
      if (!cell.calls) continue;
      state.plan.calls = *cell.calls;
      if (const auto time = compare::time_of(cell)) state.plan.call_s[subject] = time->median_s;
    }
    state.active = !participants(state.definition).empty();
    if (state.active) cases.push_back(std::move(state));
  }
}

bool Runner::Impl::is_settled(const CaseState& state) const {
  const auto& data = journal.data();
  const auto rounds = static_cast<int>(data.rounds_of(state.definition.id).size());
  if (rounds < settings.min_rounds) return false;
  if (rounds >= settings.max_rounds || state.spent_s > settings.case_budget_s) return true;
  const auto* record = data.find_case(state.definition.id);
  return std::all_of(data.pairs.begin(), data.pairs.end(), [&](const auto& pair) {
    const auto* a = data.find_cell(state.definition.id, pair.a);
    const auto* b = data.find_cell(state.definition.id, pair.b);
    const bool compared =
        a != nullptr && b != nullptr && a->status == CaseStatus::ok && b->status == CaseStatus::ok;
    return !compared ||
           stats::settled(compare::verdict_of(data, *record, pair).interval, settings.target);
  });
}

Status Runner::Impl::run_slot(CaseState& state, int round) {
  const auto start = Clock::now();
  if (const auto short_of = make_room()) return drop(state, *short_of);
  std::vector<SlotSide> taking_part;
  for (const auto& name : participants(state.definition)) {
    Side& s = side(name);
    const bool fresh = !s.worker;
    const auto up = ensure_worker(s, round);
    if (!up) return up.error();
    if (*up) taking_part.push_back({.subject = &s.subject, .worker = &*s.worker, .fresh = fresh});
  }
  if (!state.checker)
    state.checker = workload::find_workload(state.definition.workload)
                        ->make_checker(state.definition, settings.seed);
  Slot slot({.journal = journal,
             .settings = settings,
             .random = random,
             .definition = state.definition,
             .checker = *state.checker,
             .scratch = scratch,
             .round = round},
            state.plan, std::move(taking_part));
  auto lost = slot.run();
  if (!lost) return lost.error();
  for (const auto& name : *lost) side(name).worker.reset();
  state.last_slot_s = since_s(start);
  state.spent_s += state.last_slot_s;
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
  std::size_t done = 0;
  for (CaseState* state : order) {
    tell("round " + std::to_string(round + 1) + ", case " + std::to_string(++done) + " of " +
         std::to_string(order.size()) + ": " + state->definition.id);
    if (auto ok = run_slot(*state, round); !ok) return ok.error();
    if (stop_requested()) return false;
  }
  for (Side& s : sides) {
    if (s.worker) s.worker->finish();
    s.worker.reset();
  }
  if (auto ok = journal.write(
          {{"type", "round"}, {"round", round}, {"state", to_json(machine::sample_state())}});
      !ok)
    return ok.error();
  return true;
}

Status Runner::Impl::drop(CaseState& state, const std::string& reason) {
  state.active = false;
  for (const auto& name : participants(state.definition)) {
    if (auto ok = write_outcome(state.definition.id, name, CaseStatus::skipped, reason); !ok)
      return ok;
  }
  return Done{};
}

/// After the second round it is known what a round costs (the first also checks every output and
/// plans the blocks). Where the rounds still needed do not fit into the budget, they get fewer
/// block pairs, and where that is not enough the dearest cases go: fewer verdicts rather than none.
Status Runner::Impl::fit_into_budget(double round_s, double used_s) {
  constexpr int kFewestRows = 2;  // one ABBA
  const auto too_long = [&] {
    return used_s + round_s * (settings.min_rounds - 2) > settings.budget_s;
  };
  if (too_long() && settings.rows > kFewestRows) {
    for (const CaseState& c : cases) {
      if (c.active)
        round_s -= c.plan.blocks_s * (1 - static_cast<double>(kFewestRows) / settings.rows);
    }
    settings.rows = kFewestRows;
  }
  const auto remaining = [&] {
    return std::count_if(cases.begin(), cases.end(), [](const auto& c) { return c.active; });
  };
  while (remaining() > 1 && too_long()) {
    auto dearest = std::max_element(cases.begin(), cases.end(), [](const auto& x, const auto& y) {
      return (x.active ? x.last_slot_s : -1) < (y.active ? y.last_slot_s : -1);
    });
    round_s -= dearest->last_slot_s;
    if (auto ok =
            drop(*dearest, "its " + std::to_string(settings.min_rounds) +
                               " rounds do not fit into the budget; a longer --budget measures it");
        !ok)
      return ok;
  }
  return Done{};
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
    for (CaseState& c : r.cases)
      c.active = c.active && !r.participants(c.definition).empty() && !r.is_settled(c);
    if (std::none_of(r.cases.begin(), r.cases.end(), [](const auto& c) { return c.active; }))
      return Ending::finished;
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
