#include "cli/selfcheck_plan.hpp"

#include "cli/environments.hpp"
#include "compare/ceilings.hpp"

#include <algorithm>

namespace mlbench::cli {
namespace {

constexpr double kShort_s = 1.4e-3, kLong_s = 28e-3;  // the largest that count as 1 ms and as 20 ms
constexpr int kShortNulls = 5, kInjectedEach = 3;

/// n of the largest square within `longest_s`; the smallest where none is.
std::int64_t size_for(const plan::Family& family, const plan::Estimates& estimates,
                      const std::string& subject, double longest_s) {
  std::int64_t n = 0;
  for (const auto& c : family.candidates) {
    const auto tried = estimates.find(c.id);
    if (tried == estimates.end() || !tried->second.contains(subject)) continue;
    const auto& estimate = tried->second.at(subject);
    if (estimate.call_s && (n == 0 || *estimate.call_s <= longest_s))
      n = find_int(c.params, "n").value_or(0);
  }
  return n;
}

}  // namespace

std::vector<run::Subject> selfcheck_subjects(const std::vector<run::Subject>& found,
                                             std::int64_t cores) {
  std::vector<run::Subject> subjects;
  for (const auto& s : found) {
    if (s.framework == "native") continue;
    subjects.push_back(s);
    if (cores < 2 || !s.missing.empty() || compare::device_kind(s.device) != "cpu") continue;
    run::Subject single = s;
    const auto colon = s.name.find(':');
    single.name = s.name.substr(0, colon) +
                  (s.name.find('@') == std::string::npos ? "@1thread" : "+1thread") +
                  s.name.substr(colon);
    for (const char* variable : kThreadVariables) single.environment.emplace_back(variable, "1");
    subjects.push_back(std::move(single));
  }
  return subjects;
}

plan::Family selfcheck_candidates() {
  plan::Family family;
  family.name = "self-check";
  family.take = 1;
  for (const std::int64_t n : {64,  80,   96,   128,  160,  192,  256,  320,  384,  512,  640,
                               768, 1024, 1280, 1536, 2048, 2560, 3072, 4096, 5120, 6144, 8192}) {
    auto c = workload::make_case("gemm", workload::DType::float32, {{"m", n}, {"n", n}, {"k", n}});
    if (c) family.candidates.push_back(*std::move(c));
  }
  return family;
}

SelfcheckCases selfcheck_cases(const std::string& subject, const plan::Estimates& estimates,
                               const std::vector<double>& changes, std::int64_t& serial) {
  SelfcheckCases cases{.subject = subject, .nulls = {}, .injected = {}};
  const auto family = selfcheck_candidates();
  const auto size = [&](double longest_s) {
    return size_for(family, estimates, subject, longest_s);
  };
  const auto short_n = size(kShort_s), long_n = size(kLong_s);
  if (short_n == 0) return cases;
  // k grows a little from case to case: a case belongs to one comparison.
  const auto add = [&](std::vector<workload::Case>& to, std::int64_t n) {
    to.push_back(*workload::make_case("gemm", workload::DType::float32,
                                      {{"m", n}, {"n", n}, {"k", n + 2 * ++serial}}));
  };
  if (long_n > short_n) add(cases.nulls, long_n);
  for (int i = 0; i < kShortNulls; ++i) add(cases.nulls, short_n);
  for (const double change : changes) {
    auto& injected = cases.injected.emplace_back();
    injected.change = change;
    const auto short_call_n = size(kShort_s * change), long_call_n = size(kLong_s * change);
    for (int i = 0; i < kInjectedEach; ++i) {
      add(injected.cases, short_call_n);
      if (long_call_n > short_call_n) add(injected.cases, long_call_n);
    }
  }
  return cases;
}

Result<std::vector<SelfcheckCases>> plan_selfcheck(run::Runner& runner,
                                                   const std::vector<std::string>& usable,
                                                   const std::vector<double>& changes) {
  std::vector<SelfcheckCases> plans;
  std::int64_t serial = 0;
  for (const auto& subject : usable) {
    const auto estimates = runner.scout_control(subject, selfcheck_candidates(), kLong_s);
    if (!estimates) return estimates.error();
    auto cases = selfcheck_cases(subject, *estimates, changes, serial);
    if (!cases.nulls.empty()) plans.push_back(std::move(cases));
  }
  return plans;
}

std::vector<run::ControlPlan> controls_of_trial(const std::vector<SelfcheckCases>& cases,
                                                double change, bool nulls) {
  std::vector<run::ControlPlan> controls;
  // `pick` gives a subject's cases; one of each subject in turn, `most` of each.
  const auto take_turns = [&](const auto& pick, std::size_t most, double extra_work) {
    bool any = true;
    for (std::size_t i = 0; any && i < most; ++i) {
      any = false;
      for (const auto& c : cases) {
        const std::vector<workload::Case>& of_subject = pick(c);
        if (i >= of_subject.size()) continue;
        controls.push_back(
            {.subject = c.subject, .definition = of_subject[i], .extra_work = extra_work});
        any = true;
      }
    }
  };
  constexpr std::size_t kAll = 1000, kOneOfEachLength = 2;
  if (nulls)
    take_turns(
        [](const auto& c) -> const auto& { return c.nulls; }, kAll, 0);
  if (change <= 0) return controls;
  const auto injected_of = [change](const SelfcheckCases& c) -> const std::vector<workload::Case>& {
    static const std::vector<workload::Case> kNone;
    const auto it = std::find_if(c.injected.begin(), c.injected.end(),
                                 [&](const auto& i) { return i.change == change; });
    return it == c.injected.end() ? kNone : it->cases;
  };
  take_turns(injected_of, nulls ? kOneOfEachLength : kAll, change);
  return controls;
}

}  // namespace mlbench::cli
