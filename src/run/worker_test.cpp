#include "run/worker.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

using namespace mlbench;
using namespace mlbench::run;
using store::CaseStatus;
namespace fs = std::filesystem;

namespace {

constexpr double kPatience_s = 60;  // a test that needs it has failed

const char* const kHello =
    R"(echo '{"type":"hello","protocol":1,"worker":"script","framework_version":"3","devices":["cpu"],"workloads":["gemm"]}')";

/// A folder with workers that are shell scripts.
struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "mlbench-worker-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    std::signal(SIGPIPE, SIG_IGN);  // as main() does
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  [[nodiscard]] Subject worker(const std::string& script) const {
    const auto file = path / "mlbench-worker-script";
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    ::chmod(file.c_str(), 0755);
    return {.name = "script:cpu",
            .framework = "script",
            .device = "cpu",
            .program = file,
            .missing = {},
            .environment = {}};
  }
  fs::path path;
};

using Started = std::variant<Worker, CallFailure>;

Started start(const Folder& folder, const std::string& script, double timeout_s = kPatience_s) {
  return Worker::start(folder.worker(script), folder.path / "log", timeout_s);
}

CallFailure start_failure(const std::string& script, double timeout_s = kPatience_s) {
  const Folder folder;
  auto started = start(folder, script, timeout_s);
  REQUIRE(std::holds_alternative<CallFailure>(started));
  auto failure = std::get<CallFailure>(std::move(started));
  CHECK(failure.worker_gone);
  return failure;
}

/// Greets, and after one request does `script`.
Answer answer_of(const std::string& script, double timeout_s = kPatience_s) {
  const Folder folder;
  auto started = start(folder, std::string(kHello) + "\nread -r line\n" + script);
  REQUIRE(std::holds_alternative<Worker>(started));
  return std::get<Worker>(started).call("block", {{"case", "c"}}, timeout_s);
}

CallFailure failure_of(const std::string& script, double timeout_s = kPatience_s) {
  auto answer = answer_of(script, timeout_s);
  REQUIRE(answer.failure);
  return *answer.failure;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a worker is greeted, asked, and says goodbye") {
  const Folder folder;
  auto started = start(folder, std::string(kHello) + R"(
while read -r line; do
  echo "$line" >> ')" + (folder.path / "requests").string() +
                                   R"('
  case $line in *bye*) exit 0 ;; esac
  echo '{"id":1,"ok":true,"answer":42}'
done)");
  REQUIRE(std::holds_alternative<Worker>(started));
  auto& worker = std::get<Worker>(started);
  CHECK(worker.hello().worker == "script");
  CHECK(worker.hello().devices == std::vector<std::string>{"cpu"});
  const auto answer = worker.call("describe", {{"device", "cpu"}}, kPatience_s);
  REQUIRE_FALSE(answer.failure);
  CHECK(find_int(answer.body, "answer") == 42);
  worker.finish();
  std::ifstream requests(folder.path / "requests");
  std::string first, second;
  std::getline(requests, first);
  std::getline(requests, second);
  CHECK(first == R"({"id":1,"verb":"describe","device":"cpu"})");
  CHECK(second == R"({"id":2,"verb":"bye"})");
}

TEST_CASE("a worker that does not greet as it should is refused with what it said") {
  CHECK(contains(start_failure("echo hello world").reason, "\"hello world\""));
  CHECK(contains(start_failure("echo '{}'").reason, "not the protocol"));
  const auto other = start_failure(R"(echo '{"type":"hello","protocol":2,"worker":"x"}')");
  CHECK(contains(other.reason, "speaks protocol version 2, this program version 1"));
  CHECK(contains(other.reason, "same release"));
}

TEST_CASE("what a worker said is quoted short and without control characters") {
  const auto failure = start_failure(R"(printf '\033[31m%0500d\n' 7)");
  CHECK(failure.reason.size() < 300);
  CHECK_FALSE(contains(failure.reason, "\033"));
}

TEST_CASE("a worker that ends before it greets tells how, and its last words") {
  const auto failure =
      start_failure("echo 'libfoo.so: cannot open shared object file' >&2; exit 127");
  CHECK(failure.status == CaseStatus::crashed);
  CHECK(contains(failure.reason, "exit code 127 during starting"));
  CHECK(contains(failure.reason, "libfoo.so: cannot open shared object file"));
}

TEST_CASE("a worker that never greets is given up") {
  const auto failure = start_failure("exec sleep 600", 0.3);
  CHECK(failure.status == CaseStatus::timed_out);
}

TEST_CASE("a refusal is a failure of the case, and the worker goes on") {
  const auto unsupported = failure_of(
      R"(echo '{"id":1,"ok":false,"error":{"kind":"unsupported","message":"no float64 on mps"}}')");
  CHECK(unsupported.status == CaseStatus::unsupported);
  CHECK(unsupported.reason == "no float64 on mps");
  CHECK_FALSE(unsupported.worker_gone);
  const auto memory = failure_of(
      R"(echo '{"id":1,"ok":false,"error":{"kind":"out_of_memory","message":"16 GiB"}}')");
  CHECK(memory.status == CaseStatus::out_of_memory);
  const auto failed =
      failure_of(R"(echo '{"id":1,"ok":false,"error":{"kind":"failed","message":"x"}}')");
  CHECK(failed.status == CaseStatus::failed);
}

TEST_CASE("an answer to another request is no answer") {
  const auto failure = failure_of(R"(echo '{"id":7,"ok":true}')");
  CHECK(failure.status == CaseStatus::failed);
  CHECK(contains(failure.reason, "the id is wrong"));
  CHECK(failure.worker_gone);
}

TEST_CASE("rubbish is quoted, and the worker is gone") {
  const auto failure = failure_of("echo 'Segmentation fault (core dumped)'");
  CHECK(failure.status == CaseStatus::failed);
  CHECK(contains(failure.reason, "answered block with \"Segmentation fault (core dumped)\""));
  CHECK(failure.worker_gone);
}

TEST_CASE("a crash names the signal and the request") {
  const auto failure = failure_of("echo 'about to fall' >&2; kill -SEGV $$");
  CHECK(failure.status == CaseStatus::crashed);
  CHECK(contains(failure.reason, "SIGSEGV during block"));
  CHECK(contains(failure.reason, "about to fall"));
  CHECK(failure.worker_gone);
}

TEST_CASE("half an answer is a crash, not an answer") {
  const auto failure = failure_of(R"(printf '{"id":1,"ok":true'; exit 0)");
  CHECK(failure.status == CaseStatus::crashed);
}

TEST_CASE("silence ends at the deadline, whatever signals the worker ignores") {
  const auto failure = failure_of("trap '' TERM; while :; do sleep 1; done", 0.3);
  CHECK(failure.status == CaseStatus::timed_out);
  CHECK(contains(failure.reason, "no answer to block"));
  CHECK(failure.worker_gone);
}

TEST_CASE("a worker is found in the first folder that has it, else on PATH") {
  const Folder first, second;
  const auto make = [](const Folder& folder) { return folder.worker("exit 0").program; };
  const auto in_second = make(second);
  CHECK(*find_worker("script", {first.path, second.path}) == in_second);
  const auto in_first = make(first);
  CHECK(*find_worker("script", {first.path, second.path}) == in_first);

  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (":/nonexistent:" + second.path.string()).c_str(), 1);
  CHECK(*find_worker("script", {}) == in_second);
  ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("what cannot be run is no worker, and the cure is named") {
  const Folder folder;
  std::ofstream(folder.path / "mlbench-worker-text") << "not executable";
  fs::create_directory(folder.path / "mlbench-worker-folder");
  for (const char* name : {"text", "folder", "missing"}) {
    const auto found = find_worker(name, {folder.path});
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::unsupported);
    CHECK(contains(found.error().message, "mlbench-worker-" + std::string(name)));
    CHECK(contains(found.error().message, "./mlbench setup"));
  }
}
