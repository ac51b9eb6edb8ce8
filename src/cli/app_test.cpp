#include "cli/app.hpp"

#include "core/json.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

using namespace mlbench;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome run(std::vector<std::string> args) {
  args.insert(args.begin(), "mlbench");
  std::ostringstream out, err;
  const int code = cli::run(args, out, err);
  return {code, out.str(), err.str()};
}

/// Runs a command that must fail with --json: checks that stdout is one error document that tells
/// what stderr tells, and returns the sentence.
std::string json_failure(std::vector<std::string> args, int code, const char* kind) {
  args.emplace_back("--json");
  const auto outcome = run(std::move(args));
  CHECK(outcome.code == code);
  const auto document = parse_json(outcome.out);
  REQUIRE(document);
  CHECK(find_string(*document, "schema") == "mlbench.error/1");
  CHECK(find_string(*document, "kind") == kind);
  const auto message = find_string(*document, "message").value_or("");
  CHECK(outcome.err == "mlbench: " + message + "\n");
  return message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string kJournal = std::string(MLBENCH_TEST_DATA) + "/journals/v1-m5-interrupted.jsonl";

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "mlbench-cli-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  [[nodiscard]] std::string file(const char* name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  fs::path path;
};

}  // namespace

TEST_CASE("help and version are printed and end well") {
  const auto help = run({"--help"});
  CHECK(help.code == 0);
  for (const char* word : {"run", "discover", "list", "report", "doctor", "Exit codes"})
    CHECK_MESSAGE(contains(help.out, word), word);
  CHECK(help.err.empty());
  CHECK(run({"--version"}).out.starts_with("mlbench "));
  for (const char* command : {"run", "list", "report", "discover", "doctor"}) {
    const auto own = run({command, "--help"});
    CHECK(own.code == 0);
    CHECK(contains(own.out, "--json"));
  }
}

TEST_CASE("a misspelt command is answered with the nearest one") {
  CHECK(contains(json_failure({"reprot"}, 2, "usage"), "did you mean report?"));
  CHECK(contains(json_failure({"discovery"}, 2, "usage"), "did you mean discover?"));
  CHECK(contains(json_failure({"xyzzyxyzzy"}, 2, "usage"), "mlbench --help"));
}

TEST_CASE("without --json an error is one sentence on stderr and nothing on stdout") {
  const auto outcome = run({"reprot"});
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.err == "mlbench: no command is called \"reprot\"; did you mean report?\n");
}

TEST_CASE("a misspelt flag names itself and where the right ones are listed") {
  const auto message = json_failure({"run", "--bugdet", "5s"}, 2, "usage");
  CHECK(contains(message, "--bugdet"));
  CHECK(contains(message, "mlbench run --help"));
}

TEST_CASE("flags without a command belong to run") {
  CHECK(contains(json_failure({"--bugdet", "5s"}, 2, "usage"), "mlbench run --help"));
  CHECK(contains(json_failure({"--target", "huge"}, 2, "usage"), "--target"));
}

TEST_CASE("values that make no sense are refused by the name of their flag") {
  CHECK(contains(json_failure({"list", "--budget", "soon"}, 2, "usage"), "--budget: \"soon\""));
  CHECK(contains(json_failure({"list", "--target", "-1%"}, 2, "usage"), "--target"));
  CHECK(contains(json_failure({"list", "--target", "100%"}, 2, "usage"), "--target"));
  CHECK(contains(json_failure({"list", "--device", "tpu"}, 2, "usage"), "\"tpu\""));
  CHECK(contains(json_failure({"list", "--mlx-blas", "x"}, 2, "usage"), "best or wheel"));
  CHECK(contains(json_failure({"list", "--pytorch-only", "--mlx-only"}, 2, "usage"), "exclude"));
  json_failure({"list", "--quick", "--full"}, 2, "usage");
  json_failure({"list", "--seed", "-5"}, 2, "usage");
  json_failure({"report"}, 2, "usage");
}

TEST_CASE("a configuration that is wrong is refused by file and line") {
  const Folder folder;
  const auto file = folder.file("my.yaml", "benchmarks:\n  compute:\n    gem_sizes: [1]\n");
  const auto message = json_failure({"list", "--no-trial", "--config", file}, 2, "usage");
  CHECK(contains(message, "my.yaml:3"));
  CHECK(contains(message, "gemm_sizes"));
  CHECK(contains(json_failure({"list", "--config", "none.yaml"}, 2, "usage"), "none.yaml"));
}

TEST_CASE(
    "a run that is not there is a mistake of the command line, a broken file is an io error") {
  const Folder folder;
  const auto results = folder.path.string();
  CHECK(contains(json_failure({"report", "last", "--results", results}, 2, "usage"), results));
  CHECK(contains(json_failure({"report", "monday", "--results", results}, 2, "usage"), "monday"));
  const auto broken = folder.file("broken.jsonl", "{}\n");
  CHECK(contains(json_failure({"report", broken}, 4, "io"), "broken.jsonl"));
}

TEST_CASE("report prints a stored run as text and as one JSON document") {
  const auto text = run({"report", kJournal});
  CHECK(text.code == 0);
  CHECK(contains(text.out, "PyTorch 1.06x"));
  const auto json = run({"report", "--json", kJournal});
  CHECK(json.code == 0);
  CHECK(json.err.empty());
  const auto document = parse_json(json.out);
  REQUIRE(document);
  CHECK((*document)["run"] == kJournal);
  CHECK((*document)["ending"] == "interrupted");
}

TEST_CASE("report of several runs is one document, or one text after the other") {
  const auto json = run({"report", "--json", kJournal, kJournal});
  const auto document = parse_json(json.out);
  REQUIRE(document);
  CHECK((*document)["schema"] == "mlbench.reports/1");
  CHECK((*document)["reports"].size() == 2);
  const auto text = run({"report", kJournal, kJournal}).out;
  CHECK(text.find("COMPUTE") != text.rfind("COMPUTE"));
}

TEST_CASE("list without a trial shows every case with its work, and starts nothing") {
  const Folder folder;
  const auto file = folder.file("small.yaml",
                                "benchmarks:\n"
                                "  compute: {gemm_sizes: [64, 128], gemm_shapes: [], dtypes: "
                                "[float32]}\n"
                                "  attention: {seq_lengths: []}\n"
                                "  operations: []\n"
                                "  memory: {ops: [read], sizes: [1MiB]}\n");
  const auto json = run({"list", "--no-trial", "--json", "--config", file});
  CHECK(json.code == 0);
  const auto document = parse_json(json.out);
  REQUIRE(document);
  CHECK((*document)["schema"] == "mlbench.list/1");
  REQUIRE((*document)["cases"].size() == 3);
  const Json& first = (*document)["cases"][0];
  CHECK(first["case"] == "gemm/float32/64");
  CHECK(first["flop"] == 2.0 * 64 * 64 * 64);
  CHECK(first["bytes"] == 3.0 * 64 * 64 * 4);
  CHECK(first["memory_bytes"] == 3 * 64 * 64 * 4);
  CHECK(first["status"] == "planned");
  CHECK(first["reason"].is_null());
  const auto text = run({"list", "--no-trial", "--config", file});
  CHECK(contains(text.out, "gemm/float32/128"));
  CHECK(contains(text.out, "memory/float32/read_1MiB"));
}

TEST_CASE("list --only shows what matches") {
  const auto json = run({"list", "--no-trial", "--json", "--only", "gemm/float16/5*"});
  const auto document = parse_json(json.out);
  REQUIRE(document);
  REQUIRE((*document)["cases"].size() == 1);
  CHECK((*document)["cases"][0]["case"] == "gemm/float16/512");
}

TEST_CASE("import: a run of another program's rows, its doubts, and the report of it") {
  const Folder folder;
  const std::string data = std::string(MLBENCH_TEST_DATA) + "/import/m5/";
  const auto outcome =
      run({"import", data + "mfu_utilization.json", data + "system_info.json",
           data + "no-such-file.json", "--imported", folder.path.string(), "--json"});
  CHECK(outcome.code == 4);  // one of the three is refused, the others are there
  CHECK(contains(outcome.err, "no-such-file.json: there is no such file"));
  const auto document = parse_json(outcome.out);
  REQUIRE(document);
  CHECK(find_string(*document, "schema") == "mlbench.import/1");
  const Json& files = (*document)["files"];
  REQUIRE(files.size() == 3);
  CHECK(files[0]["values"] == 19);
  CHECK(files[0]["not_understood"].empty());
  CHECK(files[0]["machine"] == "M5");
  CHECK(files[0]["machine_source"] == data + "system_info.json");
  CHECK_FALSE((*document)["doubts"].empty());

  const auto text = run({"report", files[0]["runs"][0].get<std::string>()});
  CHECK(text.code == 0);
  CHECK(contains(text.out, "IMPORTED from " + data + "mfu_utilization.json"));
  CHECK(contains(text.out, "doubtful: published_mismatch"));
  CHECK(contains(json_failure({"import", kJournal + ".none"}, 4, "io"), "there is no such file"));
  CHECK(run({"import", data + "mfu_utilization.json", "--dry-run", "--imported", "/proc/none"})
            .code == 0);
}
