#include "cli/bundle.hpp"
#include "cli/commands.hpp"
#include "cli/describe_subjects.hpp"
#include "cli/exit_codes.hpp"
#include "mlbench_version.hpp"
#include "report/model.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

/// One thing that was looked at.
struct Finding {
  bool ok = true;
  std::string what;  ///< "PyTorch on cpu: 2.13.0".
  std::string cure;  ///< What to do when not ok.
};

Finding check_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  const fs::path probe = folder / (".mlbench-doctor-" + std::to_string(::getpid()));
  std::ofstream file(probe);
  file << "x";
  file.close();
  const bool ok = !error && static_cast<bool>(file);
  fs::remove(probe, error);
  return {.ok = ok,
          .what = "results can be written to " + folder.string(),
          .cure = "make that folder writable, or name another with --results"};
}

Finding check_space(const fs::path& folder) {
  constexpr std::uintmax_t kNeeded = std::uintmax_t{1} << 30;
  std::error_code error;
  const auto space = fs::space(folder, error);
  return {.ok = error || space.available >= kNeeded,
          .what = "at least 1 GiB is free there",
          .cure = "free some disk space: outputs are checked through files"};
}

Finding check_build() {
  const bool ok = std::string(MLBENCH_BUILD_TYPE) == "Release" &&
                  std::string(MLBENCH_CXX_FLAGS).find("-fsanitize") == std::string::npos;
  return {.ok = ok,
          .what = "this is a Release build without sanitizers (" MLBENCH_BUILD_TYPE ")",
          .cure = "./mlbench setup makes one"};
}

Finding check_subject(const store::SubjectRecord& s) {
  Finding f{.ok = s.status == store::CaseStatus::ok,
            .what = report::framework_title(s.framework) + " on " + s.device,
            .cure = s.reason};
  if (f.ok)
    f.what += " answers, version " + find_string(s.facts, "framework_version").value_or("unknown");
  return f;
}

/// Variables that were set and change how fast or how exactly a framework computes.
std::vector<Finding> check_environment(const std::vector<store::SubjectRecord>& subjects) {
  std::vector<Finding> findings;
  std::vector<std::string> seen;
  for (const auto& s : subjects) {
    if (!s.facts.contains("environment") || !s.facts["environment"].is_object()) continue;
    for (const auto& [name, value] : s.facts["environment"].items()) {
      const std::string text =
          name + "=" + (value.is_string() ? value.get<std::string>() : dump_json(value));
      if (std::find(seen.begin(), seen.end(), text) != seen.end()) continue;
      seen.push_back(text);
      findings.push_back({.ok = true,
                          .what = "set in the environment, and recorded in every run: " + text,
                          .cure = {}});
    }
  }
  return findings;
}

}  // namespace

int doctor_command(const Context& context, const DoctorOptions& options) {
  auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  const fs::path results =
      options.results.empty() ? default_results_dir() : fs::path(options.results);
  SubjectChoice choice;
  choice.cpu_too = true;
  const auto subjects = describe_all(find_subjects(context, choice));
  for (const auto& s : subjects) machine::merge_device_facts(*machine, s.facts);

  std::vector<Finding> findings = {check_build(), check_folder(results), check_space(results)};
  for (const auto& s : subjects) findings.push_back(check_subject(s));
  for (auto& f : check_environment(subjects)) findings.push_back(std::move(f));

  Json list = Json::array();
  bool all_ok = true;
  for (const Finding& f : findings) {
    all_ok = all_ok && f.ok;
    list.push_back({{"ok", f.ok},
                    {"what", f.what},
                    {"cure", f.ok || f.cure.empty() ? Json(nullptr) : Json(f.cure)}});
  }
  Json document = {{"schema", "mlbench.doctor/1"},
                   {"ok", all_ok},
                   {"mlbench_version", MLBENCH_VERSION},
                   {"findings", list},
                   {"bundle", nullptr}};
  if (!options.bundle.empty()) {
    Json facts = Json::array();
    for (const auto& s : subjects)
      facts.push_back({{"subject", s.name},
                       {"status", name_of(s.status)},
                       {"reason", s.reason},
                       {"facts", s.facts}});
    if (auto ok =
            write_bundle(options.bundle, document, machine::to_json(*machine), facts, results);
        !ok)
      return report_error(context, ok.error());
    document["bundle"] = options.bundle;
  }
  if (context.json) {
    print_json(context, document);
  } else {
    context.out << machine::headline(*machine) << "\n\n";
    for (const Finding& f : findings) {
      context.out << (f.ok ? "ok       " : "MISSING  ") << f.what << '\n';
      if (!f.ok) context.out << "         " << f.cure << '\n';
    }
    if (!options.bundle.empty())
      context.out << "\nWritten to " << options.bundle << "; read it before you send it on.\n";
  }
  return all_ok ? kExitOk : exit_code(ErrorKind::unsupported);
}

}  // namespace mlbench::cli
