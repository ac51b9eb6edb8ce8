#include "cli/environments.hpp"

#include "cli/selfcheck_plan.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

using namespace mlbench;
using namespace mlbench::cli;

namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / "mlbench environments_test";
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  void file(const fs::path& name) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name) << "x";
  }
};

}  // namespace

TEST_CASE("cksum is that of the shell") {
  CHECK(cksum("") == "4294967295");
  CHECK(cksum("123456789") == "930766865");             // the check value of POSIX cksum
  CHECK(cksum("/opt/env/bin/python") == "1003183268");  // as printf '%s' ... | cksum gives it
}

TEST_CASE("an environment is a Python whose workers are built, a folder of workers, or variables") {
  const Folder folder;
  folder.file("old/bin/python");
  const std::string python = (folder.path / "old/bin/python").string();
  const auto unbuilt = parse_environment("old=" + python, folder.path);
  REQUIRE_FALSE(unbuilt);
  CHECK(unbuilt.error().kind == ErrorKind::unsupported);
  CHECK(unbuilt.error().message.find("./mlbench setup --python " + python) != std::string::npos);

  const fs::path bin = fs::path("build") / ("python-" + cksum(python)) / "bin";
  folder.file(bin / "mlbench-worker-mlx");
  for (const auto& place : {python, (folder.path / "old").string()}) {
    const auto built = parse_environment("old=" + place, folder.path);
    REQUIRE(built);
    CHECK(built->workers == folder.path / bin);
  }
  const auto direct = parse_environment("new=" + (folder.path / bin).string(), "/nowhere");
  REQUIRE(direct);
  CHECK(direct->workers == folder.path / bin);

  const auto variables = parse_environment("one=,threads=1,MLX_X=a=b", "/nowhere");
  REQUIRE(variables);
  CHECK(variables->workers.empty());
  CHECK(variables->variables.front() ==
        std::pair<std::string, std::string>("OMP_NUM_THREADS", "1"));
  CHECK(variables->variables.back() == std::pair<std::string, std::string>("MLX_X", "a=b"));
  const auto again = environments_from_json(to_json(std::vector{*variables, *direct}));
  REQUIRE(again.size() == 2);
  CHECK(again[0].variables == variables->variables);
  CHECK(again[1].workers == direct->workers);
}

TEST_CASE("one thread is one thread in every library, in an environment and in a self-check") {
  const auto one = parse_environment("one=,threads=1", "/nowhere");
  REQUIRE(one);
  const auto subjects = selfcheck_subjects({{.name = "mlx:cpu",
                                             .framework = "mlx",
                                             .device = "cpu",
                                             .program = {},
                                             .missing = {},
                                             .environment = {}}},
                                           4);
  REQUIRE(subjects.size() == 2);
  CHECK(subjects[1].name == "mlx@1thread:cpu");
  CHECK(subjects[1].environment == one->variables);
  CHECK(one->variables.back().first == "VECLIB_MAXIMUM_THREADS");
}

TEST_CASE("a tilde is the home folder, which not every shell puts there") {
  const Folder folder;
  folder.file("envs/workers/mlbench-worker-mlx");
  const char* before = std::getenv("HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("HOME", folder.path.c_str(), 1);
  const auto found = parse_environment("old=~/envs/workers", "/nowhere");
  const auto absent = parse_environment("old=~/no", "/nowhere");
  before == nullptr ? ::unsetenv("HOME") : ::setenv("HOME", kept.c_str(), 1);
  REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
  CHECK(found->workers == folder.path / "envs/workers");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().message.find((folder.path / "no").string()) != std::string::npos);
}

TEST_CASE("what is no environment is refused with the reason") {
  for (const char* text : {"", "old", "=x", "a b=/bin", "old=/no/such/place", "old=", "old=,X",
                           "again=,A=1", "old=/etc/hostname/x"}) {
    CAPTURE(text);
    const auto parsed = parse_environment(text, "/nowhere");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::usage);
    CHECK(parsed.error().message.starts_with("--env: "));
  }
}
