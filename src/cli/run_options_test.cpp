#include "cli/run_options.hpp"

#include "cli/bundle.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

using namespace mlbench;
using namespace mlbench::cli;
namespace fs = std::filesystem;

namespace {

machine::Machine machine_called(const char* cpu) {
  machine::Machine m;
  m.cpu.name = cpu;
  return m;
}

RunOptions resolved(const RunFlags& flags) {
  auto options = resolve(flags, machine_called("Test CPU"));
  REQUIRE_MESSAGE(options, (options ? "" : options.error().message));
  return *std::move(options);
}

/// A configuration file that goes with the test.
struct ConfigFile {
  explicit ConfigFile(const std::string& text) {
    std::string pattern = (fs::temp_directory_path() / "mlbench-options-XXXXXX").string();
    const int fd = ::mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    path = pattern;
    std::ofstream(path) << text;
  }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  ~ConfigFile() { ::unlink(path.c_str()); }
  std::string path;
};

run::Subject subject(const char* name, const char* framework, const char* device) {
  return {.name = name,
          .framework = framework,
          .device = device,
          .program = "/p",
          .missing = {},
          .environment = {}};
}

std::vector<std::string> pair_names(const std::vector<run::PairPlan>& pairs) {
  std::vector<std::string> names;
  for (const auto& p : pairs) names.push_back(p.a + " " + p.b);
  return names;
}

}  // namespace

TEST_CASE("the preset decides what neither flag nor file says") {
  const auto standard = resolved({});
  CHECK(standard.settings.preset == plan::Preset::standard);
  CHECK(standard.settings.budget_s == 360);
  CHECK(standard.settings.target == 0.01);
  CHECK(standard.subjects.frameworks == std::vector<std::string>{"torch", "mlx", "native"});
  RunFlags flags;
  flags.quick = true;
  CHECK(resolved(flags).settings.target == 0.03);
  CHECK(resolved(flags).settings.budget_s == 110);
}

TEST_CASE("who asks for a budget has it used, unless the limits of a case are given too") {
  RunFlags flags;
  CHECK_FALSE(resolved(flags).settings.share_budget);  // a preset's budget is an upper limit
  flags.budget = "5m";
  CHECK(resolved(flags).settings.share_budget);
  const ConfigFile limited("measure: {max_rounds: 9}\n");
  flags.config = limited.path;
  CHECK_FALSE(resolved(flags).settings.share_budget);
}

TEST_CASE("a file wins over the preset, a flag over the file") {
  const ConfigFile file(
      "measure: {budget: 90s, target: 2%, min_rounds: 7, max_rounds: 9, seed: 5}\n"
      "subjects: [\"mlx:*\"]\n"
      "output: {results_dir: from-file}\n");
  RunFlags flags;
  flags.quick = true;
  flags.config = file.path;
  auto options = resolved(flags);
  CHECK(options.settings.budget_s == 90);
  CHECK(options.settings.target == 0.02);
  CHECK(options.settings.min_rounds == 7);
  CHECK(options.settings.max_rounds == 9);
  CHECK(options.settings.seed == 5);
  CHECK(options.subjects.only == std::vector<std::string>{"mlx:*"});
  CHECK(options.results_dir.filename() == "from-file");
  flags.budget = "2m";
  flags.target = "0.5%";
  flags.seed = 8;
  flags.results = "/from/flag";
  options = resolved(flags);
  CHECK(options.settings.budget_s == 120);
  CHECK(options.settings.target == doctest::Approx(0.005));
  CHECK(options.settings.seed == 8);
  CHECK(options.results_dir == "/from/flag");
}

TEST_CASE("the flags of the original suite choose frameworks and cases") {
  RunFlags flags;
  flags.pytorch_only = true;
  CHECK(resolved(flags).subjects.frameworks == std::vector<std::string>{"torch", "native"});
  flags = {};
  flags.mlx_only = true;
  CHECK(resolved(flags).subjects.frameworks == std::vector<std::string>{"mlx", "native"});
  flags = {};
  flags.memory_only = true;
  CHECK(resolved(flags).only == std::vector<std::string>{"memory/*"});
  flags = {};
  flags.workers = {"fake@a", "fake@b"};
  CHECK(resolved(flags).subjects.frameworks == flags.workers);
}

TEST_CASE("a file that was written for another chip is told, the same chip is not") {
  const ConfigFile file("hardware: {expected_chip: Test CPU}\n");
  RunFlags flags;
  flags.config = file.path;
  CHECK(resolve(flags, machine_called("Test CPU"))->notices.empty());
  const auto other = resolve(flags, machine_called("Apple M9"));
  REQUIRE(other->notices.size() == 1);
  CHECK(other->notices[0].find("Apple M9") != std::string::npos);
  CHECK(other->notices[0].find("Test CPU") != std::string::npos);
}

TEST_CASE("settings survive the journal") {
  run::Settings s;
  s.preset = plan::Preset::quick;
  s.target = 0.03;
  s.budget_s = 11;
  s.case_budget_s = 12;
  s.min_rounds = 7;
  s.max_rounds = 8;
  s.share_budget = true;
  s.rows = 3;
  s.block_s = 0.5;
  s.warm_min_s = 0.25;
  s.timeout_s = 9;
  s.seed = 77;
  const auto json = parse_json(dump_json(to_json(s)));
  REQUIRE(json);
  const auto again = settings_from_json(*json);
  CHECK(to_json(again) == to_json(s));
  CHECK_FALSE(again.warm_max_s);
}

TEST_CASE("the choice of subjects survives the journal") {
  SubjectChoice choice;
  choice.frameworks = {"fake@a", "fake@b"};
  choice.cpu_too = true;
  choice.device = "cpu";
  choice.mlx_wheel_blas = true;
  choice.only = {"*:cpu"};
  CHECK(to_json(subject_choice_from_json(to_json(choice))) == to_json(choice));
  CHECK(subject_choice_from_json(Json::object()).frameworks == SubjectChoice{}.frameworks);
}

TEST_CASE(
    "frameworks are compared with each other first, then each with native, on one kind of device") {
  const std::vector<run::Subject> subjects = {
      subject("torch:mps", "torch", "mps"), subject("torch:cpu", "torch", "cpu"),
      subject("mlx:gpu", "mlx", "gpu"), subject("mlx:cpu", "mlx", "cpu"),
      subject("native:cpu", "native", "cpu")};
  std::vector<std::string> usable;
  for (const auto& s : subjects) usable.push_back(s.name);
  CHECK(pair_names(pairs_of(subjects, usable)) ==
        std::vector<std::string>{"torch:mps mlx:gpu", "torch:cpu mlx:cpu", "torch:cpu native:cpu",
                                 "mlx:cpu native:cpu"});
  CHECK(pair_names(pairs_of(subjects, {"torch:cpu", "native:cpu"})) ==
        std::vector<std::string>{"torch:cpu native:cpu"});
  CHECK(pairs_of(subjects, {"torch:cpu"}).empty());

  CHECK(all_on_gpus(subjects, {"torch:mps", "mlx:gpu", "native:cpu"}));
  CHECK_FALSE(all_on_gpus(subjects, {"torch:mps", "mlx:cpu"}));
  CHECK_FALSE(all_on_gpus(subjects, {"native:cpu"}));
}

TEST_CASE("names of user, host and home folder are taken out, and nothing else") {
  const std::vector<std::pair<std::string, std::string>> secrets = {
      {"/home/ann", "<home>"}, {"ann", "<user>"}, {"x", "<user>"}, {"", "<user>"}};
  CHECK(without_secrets("/home/ann/x.txt of ann: an annotation, max", secrets) ==
        "<home>/x.txt of <user>: an annotation, max");
  CHECK(without_secrets("ann@host", secrets) == "<user>@host");
  CHECK(without_secrets("/home/anna", secrets) == "/home/anna");
  CHECK(without_secrets("annann ann", secrets) == "annann <user>");
}

TEST_CASE("a bundle of a Mac names neither user nor computer") {
  const std::vector<std::pair<std::string, std::string>> secrets = {
      {"/Users/anna.k", "<home>"},
      {"anna.k", "<user>"},
      {"Annas-MacBook-Pro.local", "<host>"},
      {"Annas-MacBook-Pro", "<host>"},
      {"/var/folders/q1/8f3kd0x90sl_tz3m0000gn/T", "<tmp>"}};
  const auto text = without_secrets(
      R"({"library":"/Users/anna.k/mlbench/.venv/lib/python3.13/site-packages/mlx/lib/libmlx.dylib",
          "log":"anna.k@Annas-MacBook-Pro ~ % ./mlbench; Annas-MacBook-Pro.local",
          "path":"/private/var/folders/q1/8f3kd0x90sl_tz3m0000gn/T/mlbench-list-42/trial.jsonl"})",
      secrets);
  for (const char* secret : {"anna", "Annas", "8f3kd0x90sl"})
    CHECK(text.find(secret) == std::string::npos);
  CHECK(text.find("<home>/mlbench/.venv/lib") != std::string::npos);
  CHECK(text.find("/private<tmp>/mlbench-list-42") != std::string::npos);
}
