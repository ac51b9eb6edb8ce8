#include "store/journal.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

using namespace mlbench;
using namespace mlbench::store;
namespace fs = std::filesystem;

namespace {

/// A folder of its own that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "mlbench-store-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const char* name) const { return path_ / name; }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const Json kHeader = {{"type", "run"}, {"schema", "mlbench.journal/1"}};
const Json kSubject = {{"type", "subject"}, {"subject", "a:cpu"}};

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write(Journal& journal, const Json& line) {
  REQUIRE(journal.write(line));
}

template <class T>
std::string io_message(const Result<T>& result) {
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::io);
  return result.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Files of this process cannot grow beyond `bytes` while this lives: a disk that is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

}  // namespace

TEST_CASE("what a journal holds while it is written is what it holds when it is read again") {
  const Folder folder;
  const auto path = folder / "new/deep/run.jsonl";  // its folders are made
  auto journal = Journal::create(path);
  REQUIRE(journal);
  write(*journal, kHeader);
  write(*journal, kSubject);
  CHECK(journal->data().subjects.size() == 1);
  const auto loaded = load_journal(path);
  REQUIRE(loaded);
  CHECK(loaded->header == kHeader);
  CHECK(loaded->subjects.at(0).name == "a:cpu");
}

TEST_CASE("every line is in the file as soon as it is written") {
  const Folder folder;
  auto journal = Journal::create(folder / "run.jsonl");
  REQUIRE(journal);
  write(*journal, kHeader);
  CHECK(read_file(folder / "run.jsonl") == dump_json(kHeader) + "\n");
  write(*journal, kSubject);
  CHECK(read_file(folder / "run.jsonl") == dump_json(kHeader) + "\n" + dump_json(kSubject) + "\n");
}

TEST_CASE("a journal that exists is not overwritten") {
  const Folder folder;
  write_file(folder / "run.jsonl", "precious");
  CHECK(contains(io_message(Journal::create(folder / "run.jsonl")), "run.jsonl"));
  CHECK(read_file(folder / "run.jsonl") == "precious");
}

TEST_CASE("a folder that cannot be made is named with the cure") {
  const Folder folder;
  write_file(folder / "results", "a file in the place of the folder");
  const auto message = io_message(Journal::create(folder / "results/raw/run.jsonl"));
  CHECK(contains(message, "results/raw"));
  CHECK(contains(message, "--results"));
}

TEST_CASE("a last line without its newline is left out") {
  const Folder folder;
  write_file(folder / "run.jsonl",
             dump_json(kHeader) + "\n" + dump_json(kSubject) + "\n" + R"({"type":"subject","sub)");
  const auto loaded = load_journal(folder / "run.jsonl");
  REQUIRE(loaded);
  CHECK(loaded->subjects.size() == 1);
}

TEST_CASE("a broken line in the middle names the file and the line") {
  const Folder folder;
  write_file(folder / "run.jsonl",
             dump_json(kHeader) + "\n{\"type\":\n" + dump_json(kSubject) + "\n");
  const auto message = io_message(load_journal(folder / "run.jsonl"));
  CHECK(contains(message, "run.jsonl: line 2"));
  CHECK(contains(message, "JSON"));
}

TEST_CASE("a line that lacks a field names file, line and field") {
  const Folder folder;
  write_file(folder / "run.jsonl", dump_json(kHeader) + "\n{\"type\":\"subject\"}\n");
  const auto message = io_message(load_journal(folder / "run.jsonl"));
  CHECK(contains(message, "run.jsonl: line 2"));
  CHECK(contains(message, "\"subject\""));
}

TEST_CASE("what is not a journal is refused in one sentence that says why") {
  const Folder folder;
  write_file(folder / "empty.jsonl", "");
  CHECK(contains(io_message(load_journal(folder / "empty.jsonl")), "empty"));
  write_file(folder / "half.jsonl", dump_json(kHeader));  // killed while writing the first line
  CHECK(contains(io_message(load_journal(folder / "half.jsonl")), "no whole line"));
  write_file(folder / "other.jsonl", "{\"type\":\"subject\",\"subject\":\"a\"}\n");
  CHECK(contains(io_message(load_journal(folder / "other.jsonl")), "is not a journal"));
  write_file(folder / "text.jsonl", "Dear diary,\n");
  CHECK(contains(io_message(load_journal(folder / "text.jsonl")), "line 1"));
  write_file(folder / "newer.jsonl", "{\"type\":\"run\",\"schema\":\"mlbench.journal/9\"}\n");
  CHECK(contains(io_message(load_journal(folder / "newer.jsonl")), "mlbench.journal/9"));
  CHECK(contains(io_message(load_journal(folder / "none.jsonl")), "cannot be read"));
  CHECK(contains(io_message(load_journal(folder.path())), "is a folder"));
}

TEST_CASE("resuming cuts off the half line and goes on behind the whole ones") {
  const Folder folder;
  const std::string whole = dump_json(kHeader) + "\n" + dump_json(kSubject) + "\n";
  write_file(folder / "run.jsonl", whole + R"({"type":"subject","sub)");
  auto journal = Journal::resume(folder / "run.jsonl");
  REQUIRE(journal);
  CHECK(journal->data().subjects.size() == 1);
  const Json added = {{"type", "subject"}, {"subject", "b:cpu"}};
  write(*journal, added);
  CHECK(read_file(folder / "run.jsonl") == whole + dump_json(added) + "\n");
  CHECK(journal->data().subjects.size() == 2);
}

TEST_CASE("resuming what is no journal changes nothing") {
  const Folder folder;
  write_file(folder / "notes.txt", "Dear diary,\nhalf a line");
  CHECK_FALSE(Journal::resume(folder / "notes.txt"));
  CHECK(read_file(folder / "notes.txt") == "Dear diary,\nhalf a line");
}

TEST_CASE(
    "a disk that is full is an error that names the file, and what was written stays readable") {
  const Folder folder;
  auto journal = Journal::create(folder / "run.jsonl");
  REQUIRE(journal);
  write(*journal, kHeader);
  {
    const FileSizeLimit limit(80);
    const auto message =
        io_message(journal->write({{"type", "notice"}, {"message", std::string(500, 'x')}}));
    CHECK(contains(message, "run.jsonl"));
    CHECK(contains(message, "--resume"));
  }
  const auto loaded = load_journal(folder / "run.jsonl");
  REQUIRE(loaded);
  CHECK(loaded->notices.empty());
  CHECK(journal->data().notices.empty());  // what is not in the file is not in the report either
}

TEST_CASE("a disk that is full from the start is an error of the first line") {
  if (!fs::exists("/dev/full")) return;  // Linux
  const Folder folder;
  fs::create_symlink("/dev/full", folder / "run.jsonl");
  CHECK_FALSE(Journal::create(folder / "run.jsonl"));  // it exists already
}

TEST_CASE("a run is found by its path, its name, or as the last one") {
  const Folder folder;
  for (const char* name : {"2026-11-22-101010.jsonl", "2026-11-23-090000.jsonl"})
    write_file(folder / name, dump_json(kHeader) + "\n");
  fs::create_directories(folder / "2026-11-24-000000.logs");
  const auto newest = folder / "2026-11-23-090000.jsonl";
  CHECK(*find_journal(newest.string(), "nowhere") == newest);
  CHECK(*find_journal("2026-11-23-090000", folder.path()) == newest);
  CHECK(*find_journal("2026-11-23-090000.jsonl", folder.path()) == newest);
  CHECK(*find_journal("last", folder.path()) == newest);
}

TEST_CASE("of two runs that began in the same second the later one is the last") {
  const Folder folder;
  for (const char* name : {"2026-11-23-090000.jsonl", "2026-11-23-090000-2.jsonl"})
    write_file(folder / name, dump_json(kHeader) + "\n");
  CHECK(*find_journal("last", folder.path()) == folder / "2026-11-23-090000-2.jsonl");
}

TEST_CASE("a run that does not exist is a mistake of the command line") {
  const Folder folder;
  const auto none = find_journal("last", folder.path());
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::usage);
  CHECK(contains(none.error().message, "no run in"));
  const auto unknown = find_journal("2026", folder.path());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == ErrorKind::usage);
  CHECK(contains(unknown.error().message, "\"2026\""));
  CHECK_FALSE(find_journal("last", folder / "missing"));
}
