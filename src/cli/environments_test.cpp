#include "cli/environments.hpp"

#include <doctest/doctest.h>

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
