#include "run/process.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

using namespace mlbench;
using namespace mlbench::run;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using End = Process::ReadEnd;

namespace {

constexpr auto kPatience = 60s;  // a test that needs it has failed

auto in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

/// A folder of its own that goes with the test.
struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "mlbench-run-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    signal(SIGPIPE, SIG_IGN);  // as main() does
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

/// A child that runs `script` in a shell.
Process shell(const Folder& folder, const std::string& script) {
  auto process = Process::start({.argv = {"/bin/sh", "-c", script},
                                 .environment = {},
                                 .stderr_file = folder.path / "stderr"});
  REQUIRE_MESSAGE(process, (process ? "" : process.error().message));
  return *std::move(process);
}

std::string next_line(Process& process) {
  auto read = process.read_line(in(kPatience), 1000);
  REQUIRE(read.end == End::line);
  return read.line;
}

bool ends_soon(pid_t pid) {
  for (int i = 0; i < 3000; ++i) {
    if (::kill(pid, 0) != 0) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

}  // namespace

TEST_CASE("lines go to a child and come back one by one") {
  const Folder folder;
  auto cat = shell(folder, "cat");
  REQUIRE(cat.write_line("one", in(kPatience)));
  REQUIRE(cat.write_line("", in(kPatience)));
  REQUIRE(cat.write_line("three \xC3\xA9", in(kPatience)));
  CHECK(next_line(cat) == "one");
  CHECK(next_line(cat).empty());
  CHECK(next_line(cat) == "three \xC3\xA9");
  const Exit exit = cat.finish(kPatience);
  CHECK(exit.code == 0);
  CHECK_FALSE(exit.signal);
}

TEST_CASE("several lines that arrive at once are kept for the next reads") {
  const Folder folder;
  auto child = shell(folder, "printf 'a\\nb\\nc'; sleep 0.2; printf 'd\\nrest'");
  CHECK(next_line(child) == "a");
  CHECK(next_line(child) == "b");
  CHECK(next_line(child) == "cd");
  const auto read = child.read_line(in(kPatience), 1000);
  CHECK(read.end == End::closed);
  CHECK(read.line == "rest");
}

TEST_CASE("a child that says nothing is given up at the deadline, with what came so far") {
  const Folder folder;
  auto child = shell(folder, "printf half; exec sleep 600");
  // The shell needs a moment before it has printed; only the end of the wait is sure.
  const auto read = child.read_line(in(500ms), 1000);
  CHECK(read.end == End::timed_out);
  CHECK((read.line == "half" || read.line.empty()));
  CHECK(child.kill().signal == SIGKILL);
}

TEST_CASE("a line longer than allowed is given up before it fills the memory") {
  const Folder folder;
  auto child = shell(folder, "head -c 100000000 /dev/zero | tr '\\0' x; sleep 600");
  const auto read = child.read_line(in(kPatience), 100000);
  CHECK(read.end == End::too_long);
  CHECK(read.line.size() == 200);
}

TEST_CASE("how a child ended is told in words") {
  const Folder folder;
  auto code = shell(folder, "exit 3");
  CHECK(describe(code.finish(kPatience)) == "exit code 3");
  auto crash = shell(folder, "kill -SEGV $$");
  CHECK(describe(crash.finish(kPatience)) == "SIGSEGV");
  auto user = shell(folder, "kill -USR1 $$");
  CHECK(describe(user.finish(kPatience)) == "signal " + std::to_string(SIGUSR1));
}

TEST_CASE("a child that has ended takes no lines, and its end is seen while reading") {
  const Folder folder;
  auto child = shell(folder, "exit 0");
  CHECK(child.read_line(in(kPatience), 1000).end == End::closed);
  // The system closes a dying child's pipes one after the other, so its stdin may outlive its
  // stdout a little.
  bool taken = true;
  for (int i = 0; taken && i < 1000; ++i) {
    taken = child.write_line("hello?", in(kPatience));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK_FALSE(taken);
}

TEST_CASE("a child that does not read is given up at the deadline") {
  const Folder folder;
  auto child = shell(folder, "exec sleep 600");
  CHECK_FALSE(child.write_line(std::string(10000000, 'x'), in(200ms)));
}

TEST_CASE("finish ends a child that ignores the end of its input and SIGTERM") {
  const Folder folder;
  auto child = shell(folder, "trap '' TERM; echo ready; while :; do sleep 1; done");
  CHECK(next_line(child) == "ready");
  CHECK(child.finish(10ms).signal == SIGKILL);
  CHECK(ends_soon(child.pid()));
}

TEST_CASE("grandchildren end with their group, also when the child ended by itself") {
  const Folder folder;
  SUBCASE("killed") {
    auto child = shell(folder, "sleep 600 & echo $!; wait");
    const auto grandchild = static_cast<pid_t>(std::stol(next_line(child)));
    child.kill();
    CHECK(ends_soon(grandchild));
  }
  SUBCASE("ended") {
    auto child = shell(folder, "sleep 600 >/dev/null & echo $!; exit 0");
    const auto grandchild = static_cast<pid_t>(std::stol(next_line(child)));
    CHECK(child.finish(kPatience).code == 0);
    CHECK(ends_soon(grandchild));
  }
}

TEST_CASE("a child that is held says nothing until it is resumed, and can be ended meanwhile") {
  const Folder folder;
  auto process = shell(folder, "while read x; do echo $x; done");
  process.hold();
  REQUIRE(process.write_line("one", in(1s)));
  CHECK(process.read_line(in(300ms), 100).end == End::timed_out);
  process.resume();
  CHECK(next_line(process) == "one");
  process.hold();
  const pid_t pid = process.pid();
  process.kill();
  CHECK(ends_soon(pid));
}

TEST_CASE("a child does not outlive its object") {
  const Folder folder;
  pid_t pid = 0;
  {
    auto child = shell(folder, "exec sleep 600");
    pid = child.pid();
    const Process moved = std::move(child);
    CHECK(moved.pid() == pid);
    CHECK(::kill(pid, 0) == 0);
  }
  CHECK(ends_soon(pid));
}

TEST_CASE("a program that cannot be started is named with the reason") {
  const Folder folder;
  const auto start = [&](const fs::path& program) {
    return Process::start(
        {.argv = {program.string()}, .environment = {}, .stderr_file = folder.path / "stderr"});
  };
  const auto missing = start(folder.path / "missing");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::io);
  CHECK(missing.error().message.find("missing: cannot be started") != std::string::npos);
  std::ofstream(folder.path / "text") << "not a program";
  CHECK_FALSE(start(folder.path / "text"));
}

TEST_CASE("the environment is the parent's with the additions, which win") {
  const Folder folder;
  ::setenv("MLBENCH_TEST_KEPT", "kept", 1);
  ::setenv("MLBENCH_TEST_CHANGED", "old", 1);
  auto child = Process::start(
      {.argv = {"/bin/sh", "-c", "echo $MLBENCH_TEST_KEPT $MLBENCH_TEST_CHANGED $MLBENCH_TEST_NEW"},
       .environment = {{"MLBENCH_TEST_CHANGED", "new"}, {"MLBENCH_TEST_NEW", "added"}},
       .stderr_file = folder.path / "stderr"});
  REQUIRE(child);
  CHECK(next_line(*child) == "kept new added");
}

TEST_CASE("a child gets its signals as a shell would give them, and a group of its own") {
  const Folder folder;  // which ignores SIGPIPE
  auto child = shell(folder, "kill -PIPE $$; echo survived");
  CHECK(describe(child.finish(kPatience)) == "SIGPIPE");
  auto other = shell(folder, "exec sleep 600");
  CHECK(::getpgid(other.pid()) == other.pid());
}

TEST_CASE("stderr is appended to its file, and the tail is the child's own") {
  const Folder folder;
  auto first = shell(folder, "echo first >&2");
  static_cast<void>(first.finish(kPatience));
  auto second = shell(folder, "echo second >&2; echo last words >&2");
  static_cast<void>(second.finish(kPatience));
  CHECK(first.stderr_tail(1000).find("first\n") == 0);
  CHECK(second.stderr_tail(1000) == "second\nlast words\n");
  CHECK(second.stderr_tail(6) == "words\n");
  CHECK(fs::file_size(folder.path / "stderr") == std::string("first\nsecond\nlast words\n").size());
}

TEST_CASE("no pipe of one child stays open in another") {
  // Were the write end of the first child's stdin inherited, it would never see the end of input.
  const Folder folder;
  auto reader = shell(folder, "cat >/dev/null; echo end");
  auto other = shell(folder, "exec sleep 600");
  CHECK(reader.finish(kPatience).code == 0);
}
