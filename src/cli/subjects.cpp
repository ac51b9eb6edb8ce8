#include "cli/subjects.hpp"

#include "compare/ceilings.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace mlbench::cli {
namespace {

constexpr double kHelloTimeout_s = 60;

/// "fake@a" -> {"fake", "@a"}.
std::pair<std::string, std::string> split_label(const std::string& name) {
  const auto at = name.find('@');
  if (at == std::string::npos) return {name, ""};
  return {name.substr(0, at), name.substr(at)};
}

/// Devices to measure of those that a worker offers.
std::vector<std::string> devices_of(const std::vector<std::string>& offered,
                                    const SubjectChoice& choice) {
  std::vector<std::string> chosen;
  const auto accelerator =
      std::find_if(offered.begin(), offered.end(), [](const auto& d) { return d != "cpu"; });
  const bool has_cpu = std::find(offered.begin(), offered.end(), "cpu") != offered.end();
  if (accelerator != offered.end() && choice.device != "cpu") chosen.push_back(*accelerator);
  const bool cpu_wanted =
      choice.device == "cpu" ||
      (choice.device.empty() && (accelerator == offered.end() || choice.cpu_too));
  if (has_cpu && cpu_wanted) chosen.emplace_back("cpu");
  return chosen;
}

run::Subject missing(const std::string& name, const std::string& framework, std::string reason) {
  return {.name = name,
          .framework = framework,
          .device = "cpu",
          .program = {},
          .missing = std::move(reason),
          .environment = {}};
}

const Environment* environment_of(const std::string& label, const SubjectChoice& choice) {
  const auto it = std::find_if(choice.environments.begin(), choice.environments.end(),
                               [&](const auto& e) { return "@" + e.name == label; });
  return it == choice.environments.end() ? nullptr : &*it;
}

std::vector<run::Subject> subjects_of(const Context& context, const std::string& name,
                                      const SubjectChoice& choice) {
  const auto [framework, given_label] = split_label(name);
  const auto* environment = environment_of(given_label, choice);
  const bool wheel_blas = framework == "mlx" && (given_label == "@wheel-blas" ||
                                                 (choice.mlx_wheel_blas && given_label.empty()));
  const std::string label = wheel_blas ? "@wheel-blas" : given_label;
  const auto* rehearsal = context.rehearsal.get();
  if (rehearsal != nullptr && !rehearsal->plays(framework))
    return {missing(framework + label + ":cpu", framework, "the rehearsal does not play it")};
  const auto folders = environment == nullptr || environment->workers.empty()
                           ? worker_folders(context)
                           : std::vector{environment->workers};
  const auto program = run::find_worker(rehearsal != nullptr ? "fake"
                                        : wheel_blas         ? "mlx-wheelblas"
                                                             : framework,
                                        folders);
  if (!program) return {missing(framework + label + ":cpu", framework, program.error().message)};

  run::Subject probe{.name = framework + label,
                     .framework = framework,
                     .device = "cpu",
                     .program = *program,
                     .missing = {},
                     .environment = {}};
  if (environment != nullptr) probe.environment = environment->variables;
  if (rehearsal != nullptr) probe.environment = rehearsal->environment(framework);
  auto started = run::Worker::start(probe, "/dev/null", kHelloTimeout_s);
  if (const auto* failure = std::get_if<run::CallFailure>(&started)) {
    return {missing(framework + label + ":cpu", framework, failure->reason)};
  }
  auto& worker = std::get<run::Worker>(started);
  std::vector<run::Subject> subjects;
  for (const auto& device : devices_of(worker.hello().devices, choice)) {
    run::Subject s = probe;
    s.name = framework + label + ":" + device;
    s.device = device;
    subjects.push_back(std::move(s));
  }
  worker.finish();
  return subjects;
}

}  // namespace

Json to_json(const SubjectChoice& c) {
  return {{"frameworks", c.frameworks},
          {"cpu_too", c.cpu_too},
          {"device", c.device},
          {"mlx_wheel_blas", c.mlx_wheel_blas},
          {"only", c.only},
          {"environments", to_json(c.environments)}};
}

SubjectChoice subject_choice_from_json(const Json& json) {
  SubjectChoice c;
  if (auto frameworks = find_strings(json, "frameworks"); !frameworks.empty())
    c.frameworks = std::move(frameworks);
  c.cpu_too = find_bool(json, "cpu_too").value_or(false);
  c.device = find_string(json, "device").value_or("");
  c.mlx_wheel_blas = find_bool(json, "mlx_wheel_blas").value_or(false);
  c.only = find_strings(json, "only");
  if (json.contains("environments")) c.environments = environments_from_json(json["environments"]);
  return c;
}

std::vector<run::Subject> find_subjects(const Context& context, const SubjectChoice& choice) {
  std::vector<run::Subject> subjects;
  for (const auto& name : choice.frameworks) {
    for (auto& s : subjects_of(context, name, choice)) {
      const bool wanted = choice.only.empty() ||
                          std::any_of(choice.only.begin(), choice.only.end(),
                                      [&](const auto& glob) { return glob_match(glob, s.name); });
      if (wanted) subjects.push_back(std::move(s));
    }
  }
  const auto measures_on = [&](const std::string& kind) {
    return std::any_of(subjects.begin(), subjects.end(), [&](const auto& s) {
      return s.framework != "native" && s.missing.empty() && compare::device_kind(s.device) == kind;
    });
  };
  if (measures_on("gpu") && !measures_on("cpu"))
    std::erase_if(subjects, [](const auto& s) { return s.framework == "native"; });
  return subjects;
}

machine::Machine planned_machine(machine::Machine machine, const store::RunData& run) {
  machine.gpus.clear();
  for (const auto& s : run.subjects) {
    if (s.status == store::CaseStatus::ok) machine::merge_device_facts(machine, s.facts);
  }
  return machine;
}

bool all_on_gpus(const std::vector<run::Subject>& subjects,
                 const std::vector<std::string>& usable) {
  bool any = false;
  for (const auto& s : subjects) {
    if (s.framework == "native" || std::find(usable.begin(), usable.end(), s.name) == usable.end())
      continue;
    if (s.device == "cpu") return false;
    any = true;
  }
  return any;
}

std::vector<run::PairPlan> pairs_of(const std::vector<run::Subject>& subjects,
                                    const std::vector<std::string>& usable) {
  std::vector<const run::Subject*> sides;
  for (const auto& s : subjects) {
    if (std::find(usable.begin(), usable.end(), s.name) != usable.end()) sides.push_back(&s);
  }
  std::vector<run::PairPlan> frameworks, ceilings;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    for (std::size_t j = 0; j < sides.size(); ++j) {
      const auto &a = *sides[i], &b = *sides[j];
      if (compare::device_kind(a.device) != compare::device_kind(b.device) ||
          a.framework == "native")
        continue;
      if (b.framework == "native") {
        ceilings.push_back({.a = a.name, .b = b.name});
      } else if (i < j) {
        frameworks.push_back({.a = a.name, .b = b.name});
      }
    }
  }
  frameworks.insert(frameworks.end(), ceilings.begin(), ceilings.end());
  return frameworks;
}

}  // namespace mlbench::cli
