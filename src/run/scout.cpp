#include "run/controls.hpp"
#include "run/runner_impl.hpp"
#include "run/waiting.hpp"

#include <algorithm>
#include <set>

namespace mlbench::run {

using store::CaseStatus;

namespace {

/// What `device` can do at most of what `c` is rated by, as far as a busy machine cannot have
/// measured it too low: arithmetic by one thread, whose loops fit into a time slice, times the
/// threads; memory by the fastest cache. nullopt on a GPU, whose ceilings are no upper bound yet.
std::optional<Roof> roof_of(const store::RunData& run, const std::string& device,
                            const workload::Case& c) {
  if (device != "cpu") return std::nullopt;
  const bool moves = workload::work_of(c).unit == workload::RateUnit::bytes_per_s;
  const std::string resource = moves ? "bytes_per_s" : std::string(name_of(c.dtype));
  int most_threads = 1;
  for (const auto& r : run.ceilings) most_threads = std::max(most_threads, r.threads.value_or(1));
  std::optional<Roof> roof;
  for (const auto& r : run.ceilings) {
    if (r.resource != resource) continue;
    const double rate = moves ? r.rate : r.rate * most_threads / r.threads.value_or(1);
    if (!roof || rate > roof->rate) roof = Roof{.rate = rate, .name = r.name};
  }
  return roof;
}

}  // namespace

Status Runner::Impl::describe(Side& s) {
  if (!s.subject.missing.empty()) {
    s.usable = false;
    return write_subject(s, CaseStatus::unsupported, s.subject.missing, Json::object());
  }
  tell("starting " + s.subject.name);
  auto started = Worker::start(s.subject, log_of(s.subject), settings.timeout_s);
  CallFailure failure;
  if (auto* worker = std::get_if<Worker>(&started)) {
    s.worker = std::move(*worker);
    auto answer = s.worker->call("describe", {{"device", s.subject.device}}, settings.timeout_s);
    s.worker->finish();  // the first trial is that of a fresh process
    s.worker.reset();
    if (!answer.failure) return write_subject(s, CaseStatus::ok, "", answer.body);
    failure = *answer.failure;
  } else {
    failure = std::get<CallFailure>(started);
  }
  s.usable = false;
  return write_subject(s, failure.status, failure.reason, Json::object());
}

Status Runner::describe_subjects() {
  for (Side& s : impl_->sides) {
    if (s.is_twin()) continue;
    if (auto ok = impl_->describe(s); !ok) return ok;
  }
  return Done{};
}

Status Runner::Impl::probe_ceilings(Side& s, double budget_s) {
  const auto up = ensure_worker(s, -1);
  if (!up) return up.error();
  if (!*up) return Done{};
  tell("what " + s.subject.name + " can do at most");
  const auto answer = s.worker->call(
      "probe", {{"what", "ceilings"}, {"device", s.subject.device}, {"budget_s", budget_s}},
      settings.timeout_s + budget_s);
  if (answer.failure) {
    if (answer.failure->worker_gone) s.worker.reset();
    return Done{};  // no ceilings; what is measured sets them
  }
  const auto list = answer.body.find("ceilings");
  if (list == answer.body.end() || !list->is_array()) return Done{};
  for (const Json& c : *list) {
    const auto rate = find_number(c, "rate");
    if (!c.is_object() || !rate || *rate <= 0 || !find_string(c, "resource")) continue;
    Json line = {{"type", "ceiling"}, {"subject", s.subject.name}};
    line.update(c);
    if (auto ok = journal.write(line); !ok) return ok;
  }
  return Done{};
}

Status Runner::probe_ceilings(double budget_s) {
  std::set<std::pair<std::string, std::string>> probed;
  for (Side& s : impl_->sides) {
    const auto framework = s.subject.framework.substr(0, s.subject.framework.find('@'));
    if (!s.usable || s.is_twin() || stop_requested()) continue;
    if (!probed.insert({framework, s.subject.device}).second) continue;
    if (auto ok = impl_->probe_ceilings(s, budget_s); !ok) return ok;
  }
  return Done{};
}

Status Runner::Impl::prove_waiting(Side& s) {
  const auto up = ensure_worker(s, -1);
  if (!up) return up.error();
  if (!*up) return Done{};
  tell("does " + s.subject.name + " wait for its device?");
  const auto test = test_waiting(
      [&](const std::string& verb, Json body, double timeout_s) {
        return s.worker->call(verb, std::move(body), timeout_s);
      },
      s.subject.device, scratch / (std::to_string(s.worker->pid()) + ".output"),
      [&](const workload::Case& c) { return roof_of(journal.data(), s.subject.device, c); },
      settings.timeout_s);
  if (test.failure && test.failure->interrupted) return Done{};
  if (test.failure && test.failure->worker_gone) s.worker.reset();
  Json line = {{"type", "self_test"}, {"subject", s.subject.name}};
  line.update(to_json(test));
  if (auto ok = journal.write(line); !ok) return ok;
  if (test.waited != false) return Done{};
  s.usable = false;
  s.worker->finish();
  s.worker.reset();
  return write_subject(s, CaseStatus::failed, test.reason,
                       journal.data().find_subject(s.subject.name)->facts);
}

Status Runner::prove_waiting() {
  for (Side& s : impl_->sides) {
    if (!s.usable || s.is_twin() || stop_requested()) continue;
    if (auto ok = impl_->prove_waiting(s); !ok) return ok;
  }
  return Done{};
}

Result<plan::Estimate> Runner::Impl::try_case(Side& s, const workload::Case& c) {
  if (const auto short_of = make_room()) return plan::Estimate{.call_s = {}, .reason = *short_of};
  const bool fresh = !s.worker;
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
    // Threads that wake may share a CPU and wait for each other there until the scheduler parts
    // them: PyTorch's product of 96 then takes 8 ms a call for up to 0.1 s, and 0.01 ms ever after.
    const double least_s = fresh ? 0.25 : 0.1;
    answer = s.worker->call(
        "warm", {{"case", c.id}, {"min_calls", 3}, {"min_s", least_s}, {"max_s", least_s}},
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

/// Candidates of a family, smallest first, until the next would take longer than `allowed_s`.
Status Runner::Impl::scout_family(Side& s, const plan::Family& family, double allowed_s,
                                  plan::Estimates& estimates) {
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

Status Runner::Impl::write_estimates(const plan::Estimates& estimates) {
  for (const auto& [id, by_subject] : estimates) {
    for (const auto& [subject, e] : by_subject) {
      if (auto ok = journal.write({{"type", "estimate"},
                                   {"case", id},
                                   {"subject", subject},
                                   {"call_s", to_json_or_null(e.call_s)},
                                   {"reason", e.reason}});
          !ok)
        return ok;
    }
  }
  return Done{};
}

Result<plan::Estimates> Runner::scout(const plan::Candidates& candidates, double longest_s) {
  Impl& r = *impl_;
  plan::Estimates estimates;
  for (Side& s : r.sides) {
    if (!s.usable || s.is_twin()) continue;
    for (const plan::Family& family : candidates.families) {
      if (auto ok = r.scout_family(s, family, longest_s, estimates); !ok) return ok.error();
    }
    if (s.worker) s.worker->finish();
    s.worker.reset();
  }
  if (auto ok = r.write_estimates(estimates); !ok) return ok.error();
  return estimates;
}

Result<plan::Estimates> Runner::scout_control(const std::string& subject,
                                              const plan::Family& family, double longest_s) {
  plan::Estimates estimates;
  if (auto ok = impl_->scout_family(impl_->side(subject), family, longest_s, estimates); !ok)
    return ok.error();
  if (auto ok = impl_->write_estimates(estimates); !ok) return ok.error();
  return estimates;
}

/// A case that crashed or was refused when it was tried is that, and not skipped by plan.
Status Runner::Impl::leave_out(const std::string& case_id, const std::string& subject,
                               const std::string& reason) {
  const auto failed = failed_trials.find({case_id, subject});
  if (failed == failed_trials.end())
    return write_outcome(case_id, subject, CaseStatus::skipped, reason);
  return write_outcome(case_id, subject, failed->second.status, failed->second.reason);
}

Status Runner::Impl::declare_case(const workload::Case& c, const ControlPlan* control,
                                  bool alternating) {
  const auto work = workload::work_of(c);
  Json line = {{"type", "case"}, {"case", c.id}};
  line.update(to_json(c));
  line.update(Json{{"flop", work.flop},
                   {"bytes", work.bytes},
                   {"unit", name_of(work.unit)},
                   {"memory_bytes", workload::memory_bytes_of(c)}});
  if (work.tokens > 0) line["tokens"] = work.tokens;
  if (work.ops > 0) line["ops"] = work.ops;
  if (alternating) line["alternating"] = true;
  if (control != nullptr)
    line["control"] = {{"subject", control->subject}, {"extra_work", control->extra_work}};
  return journal.write(line);
}

Status Runner::declare(const std::vector<PairPlan>& pairs, const plan::Selection& selection,
                       const std::vector<ControlPlan>& controls) {
  Impl& r = *impl_;
  r.finish_workers();  // rounds begin with fresh processes
  if (auto ok = r.journal.write({{"type", "plan"}}); !ok) return ok;
  for (const PairPlan& p : pairs) {
    if (auto ok =
            r.journal.write({{"type", "pair"}, {"a", p.a}, {"b", p.b}, {"control", p.control}});
        !ok)
      return ok;
  }
  std::set<std::string> controlled;
  for (const ControlPlan& c : controls) {
    if (!controlled.insert(c.subject).second) continue;
    if (auto ok = r.journal.write(
            {{"type", "pair"}, {"a", c.subject}, {"b", twin_name(c.subject)}, {"control", true}});
        !ok)
      return ok;
  }
  for (const auto& c : selection.chosen) {
    if (auto ok = r.declare_case(c, nullptr, selection.alternating.contains(c.id)); !ok) return ok;
  }
  for (const auto& left : selection.left_out) {
    if (auto ok = r.declare_case(left.definition); !ok) return ok;
    for (const Side& s : r.sides) {
      if (!s.usable || s.is_twin()) continue;
      if (auto ok = r.leave_out(left.definition.id, s.subject.name, left.reason); !ok) return ok;
    }
  }
  for (const auto& e : selection.excluded) {
    if (auto ok = r.leave_out(e.case_id, e.subject, e.reason); !ok) return ok;
  }
  for (const ControlPlan& c : controls) {
    if (auto ok = r.declare_case(c.definition, &c); !ok) return ok;
  }
  return r.journal.write({{"type", "planned"}});
}

}  // namespace mlbench::run
