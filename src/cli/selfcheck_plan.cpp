#include "cli/selfcheck_plan.hpp"

#include "cli/environments.hpp"
#include "compare/ceilings.hpp"

#include <algorithm>

namespace mlbench::cli {
namespace {

constexpr double kShort_s = 1.4e-3, kLong_s = 28e-3;  // the largest that count as 1 ms and as 20 ms
constexpr int kShortCases = 5;

plan::Family squares() {
  plan::Family family;
  family.name = "self-check";
  family.take = 1;
  // Each size takes about twice as long as the one before.
  for (const std::int64_t n : {64,  80,   96,   128,  160,  192,  256,  320,  384,  512, 640,
                               768, 1024, 1280, 1536, 2048, 2560, 3072, 4096, 5120, 6144}) {
    auto c = workload::make_case("gemm", workload::DType::float32, {{"m", n}, {"n", n}, {"k", n}});
    if (c) family.candidates.push_back(*std::move(c));
  }
  return family;
}

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

Result<std::vector<SelfcheckCases>> plan_selfcheck(run::Runner& runner,
                                                   const std::vector<std::string>& usable,
                                                   double least_change) {
  const auto family = squares();
  std::vector<SelfcheckCases> plans;
  std::int64_t serial = 0;
  for (const auto& subject : usable) {
    const auto estimates = runner.scout_control(subject, family, kLong_s);
    if (!estimates) return estimates.error();
    const auto short_n = size_for(family, *estimates, subject, kShort_s);
    const auto long_n = size_for(family, *estimates, subject, kLong_s);
    const auto injected_n = size_for(family, *estimates, subject, kShort_s * least_change);
    if (short_n == 0) continue;
    // k grows a little from case to case: a case belongs to one comparison.
    const auto make = [&](std::int64_t n) {
      return *workload::make_case("gemm", workload::DType::float32,
                                  {{"m", n}, {"n", n}, {"k", n + 2 * ++serial}});
    };
    SelfcheckCases cases{.subject = subject, .nulls = {}, .injected = {}};
    for (int i = 0; i < kShortCases; ++i) cases.nulls.push_back(make(short_n));
    if (long_n > short_n) cases.nulls.push_back(make(long_n));
    for (int i = 0; i < kShortCases; ++i) cases.injected.push_back(make(injected_n));
    plans.push_back(std::move(cases));
  }
  return plans;
}

std::vector<run::ControlPlan> controls_of_trial(const std::vector<SelfcheckCases>& cases,
                                                double change, bool nulls) {
  std::vector<run::ControlPlan> controls;
  const auto add = [&](const SelfcheckCases& c, const workload::Case& definition, double extra) {
    controls.push_back({.subject = c.subject, .definition = definition, .extra_work = extra});
  };
  for (const auto& c : cases) {
    if (nulls) {
      for (const auto& null : c.nulls) add(c, null, 0);
    }
    if (change <= 0) continue;
    const auto end = nulls ? c.injected.begin() + 1 : c.injected.end();
    for (auto it = c.injected.begin(); it != end; ++it) add(c, *it, change);
  }
  return controls;
}

}  // namespace mlbench::cli
