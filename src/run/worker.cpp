#include "run/worker.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "machine/state.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace mlbench::run {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using store::CaseStatus;

Clock::time_point after(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

/// `text` short and printable enough for a sentence.
std::string quoted(std::string text) {
  constexpr std::size_t kLongest = 80;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "\"" + text + "\"";
}

/// The last line on stderr that says something: usually the reason of a crash.
std::string last_words(const Process& process) {
  const std::string tail = process.stderr_tail(2000);
  std::string words;
  for (const auto line : lines_of(tail)) {
    if (!trim(line).empty()) words = std::string(trim(line));
  }
  return words.empty() ? "" : "; its last words: " + quoted(words);
}

}  // namespace

Result<fs::path> find_worker(const std::string& name, const std::vector<fs::path>& folders) {
  const std::string file = "mlbench-worker-" + name;
  for (const fs::path& folder : folders) {
    if (is_program(folder / file)) return folder / file;
  }
  if (const char* path = std::getenv("PATH")) {
    for (const auto folder : split(path, ':')) {
      if (!folder.empty() && is_program(fs::path(folder) / file)) return fs::path(folder) / file;
    }
  }
  return fail(ErrorKind::unsupported,
              "the worker " + file +
                  " was not built: ./mlbench setup builds it where the framework can be installed");
}

std::optional<CallFailure> refused_variant(const protocol::Hello& hello, const workload::Case& c) {
  const auto lacks = [&](bool wanted, const char* name) {
    return wanted &&
           std::find(hello.variants.begin(), hello.variants.end(), name) == hello.variants.end();
  };
  const bool cold = lacks(c.variant.cold_bytes > 0, "cold");
  if (!cold && !lacks(c.variant.independent, "independent")) return std::nullopt;
  return CallFailure{.status = CaseStatus::unsupported,
                     .reason = "the worker " + hello.worker + " has no " +
                               (cold ? "cold" : "independent") + " variant of a case"};
}

std::variant<Worker, CallFailure> Worker::start(const Subject& subject, const fs::path& stderr_file,
                                                double timeout_s) {
  auto process = Process::start({.argv = {subject.program.string()},
                                 .environment = subject.environment,
                                 .stderr_file = stderr_file});
  if (!process)
    return CallFailure{
        .status = CaseStatus::failed, .reason = process.error().message, .worker_gone = true};
  Worker worker(*std::move(process));
  worker.oom_kills_at_start_ = machine::sample_state().oom_kills;
  const auto read = worker.process_.read_line(after(timeout_s), protocol::kMaxLineBytes);
  if (read.end != Process::ReadEnd::line) return worker.lost(read, "starting", timeout_s);
  auto hello = protocol::decode_hello(read.line);
  if (!hello) {
    worker.process_.kill();
    return CallFailure{.status = CaseStatus::failed,
                       .reason = "greeted with " + quoted(read.line) +
                                 ", which is not the protocol: " + hello.error().message,
                       .worker_gone = true};
  }
  if (hello->protocol != protocol::kProtocolVersion) {
    worker.process_.kill();
    return CallFailure{.status = CaseStatus::failed,
                       .reason = subject.program.filename().string() + " speaks protocol version " +
                                 std::to_string(hello->protocol) + ", this program version " +
                                 std::to_string(protocol::kProtocolVersion) +
                                 ": build both from the same release",
                       .worker_gone = true};
  }
  worker.hello_ = *std::move(hello);
  return worker;
}

Answer Worker::call(const std::string& verb, Json body, double timeout_s) {
  process_.resume();
  const std::int64_t id = next_id_++;
  const auto deadline = after(timeout_s);
  const auto failed = [](CallFailure failure) {
    return Answer{.body = Json::object(), .failure = std::move(failure)};
  };
  if (!process_.write_line(
          protocol::encode(protocol::Request{.id = id, .verb = verb, .body = std::move(body)}),
          deadline)) {
    return failed(lost({.end = Process::ReadEnd::closed, .line = {}}, verb, timeout_s));
  }
  const auto read = process_.read_line(deadline, protocol::kMaxLineBytes);
  if (read.end != Process::ReadEnd::line) return failed(lost(read, verb, timeout_s));
  auto reply = protocol::decode_reply(read.line);
  if (!reply || reply->id != id) {
    process_.kill();
    return failed({.status = CaseStatus::failed,
                   .reason = "answered " + verb + " with " + quoted(read.line) +
                             ", which is not the protocol" +
                             (reply ? ": the id is wrong" : ": " + reply.error().message),
                   .worker_gone = true});
  }
  if (!reply->failure) {
    return {.body = std::move(reply->body),
            .failure = std::nullopt,
            .longest_pause_s = process_.longest_pause_s()};
  }
  CallFailure failure{.status = CaseStatus::failed, .reason = reply->failure->message};
  if (reply->failure->kind == protocol::FailureKind::unsupported)
    failure.status = CaseStatus::unsupported;
  if (reply->failure->kind == protocol::FailureKind::out_of_memory)
    failure.status = CaseStatus::out_of_memory;
  return failed(std::move(failure));
}

CallFailure Worker::lost(const Process::Read& read, const std::string& during, double timeout_s) {
  using End = Process::ReadEnd;
  CallFailure failure{.status = CaseStatus::failed, .reason = {}, .worker_gone = true};
  if (read.end == End::interrupted || stop_requested()) {
    process_.kill();
    failure.status = CaseStatus::skipped;
    failure.reason = "interrupted";
    failure.interrupted = true;
  } else if (read.end == End::timed_out) {
    process_.kill();
    failure.status = CaseStatus::timed_out;
    failure.reason =
        "no answer to " + during + " within " + format_duration(timeout_s) + last_words(process_);
  } else if (read.end == End::too_long) {
    process_.kill();
    failure.reason = "answered " + during + " with a line over 16 MiB: " + quoted(read.line);
  } else {
    const Exit exit = process_.finish(std::chrono::milliseconds(500));
    failure.status = CaseStatus::crashed;
    failure.reason = "ended with " + describe(exit) + " during " + during + last_words(process_);
    const auto oom_kills = machine::sample_state().oom_kills;
    if (exit.signal == SIGKILL && oom_kills && oom_kills_at_start_ &&
        *oom_kills > *oom_kills_at_start_) {
      failure.status = CaseStatus::out_of_memory;
      failure.reason = "the system ended it during " + during + " because memory ran out";
    }
  }
  return failure;
}

void Worker::finish() {
  process_.resume();
  static_cast<void>(process_.write_line(
      protocol::encode(protocol::Request{.id = next_id_++, .verb = "bye", .body = Json::object()}),
      after(1)));
  process_.finish(std::chrono::seconds(2));
}

}  // namespace mlbench::run
