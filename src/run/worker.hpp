#pragma once

#include "core/json.hpp"
#include "protocol/message.hpp"
#include "run/process.hpp"
#include "store/run_data.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlbench::run {

/// One side of a comparison and how its worker is started.
struct Subject {
  std::string name;       ///< framework[@env]:device, e.g. "mlx:cpu".
  std::string framework;  ///< "torch", "mlx", "native".
  std::string device;     ///< "cpu", "mps", "cuda:0", "gpu".
  std::filesystem::path program;
  std::string missing;  ///< Why there is no program; empty when there is one.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string twin_of = {};  ///< Controls: the subject of which this is a second process.
};

/// `mlbench-worker-<name>` in the first of `folders` or on PATH that has it. Errors: `unsupported`,
/// with where it was looked for and the cure.
[[nodiscard]] Result<std::filesystem::path> find_worker(
    const std::string& name, const std::vector<std::filesystem::path>& folders);

/// Why a request brought no answer.
struct CallFailure {
  store::CaseStatus status = store::CaseStatus::failed;
  std::string reason;
  bool worker_gone = false;  ///< The process ended or was ended: start another one.
  bool interrupted = false;  ///< The user wants to stop.
};

/// The answer's fields, or why there is none.
struct Answer {
  Json body = Json::object();
  std::optional<CallFailure> failure;
  double longest_pause_s = 0;  ///< Process::longest_pause_s() while it was waited for.
};

/// Why a worker that said `hello` is not asked for `c`: it would measure another variant of it.
[[nodiscard]] std::optional<CallFailure> refused_variant(const protocol::Hello& hello,
                                                         const workload::Case& c);

/// A running worker that has said hello.
class Worker {
 public:
  /// Starts the process and checks its greeting. `timeout_s` is how long it may take.
  [[nodiscard]] static std::variant<Worker, CallFailure> start(
      const Subject& subject, const std::filesystem::path& stderr_file, double timeout_s);

  /// Sends one request and waits for its answer. After `timeout_s` the worker is killed. Crashes,
  /// rubbish and memory kills become a failure that names what happened.
  [[nodiscard]] Answer call(const std::string& verb, Json body, double timeout_s);

  /// Stops the worker until the next call: threads of a BLAS or of OpenMP go on spinning for some
  /// milliseconds after a call, on the cores that another worker is then timed on.
  void hold() { process_.hold(); }

  /// Says bye and waits for the end; kills what does not go.
  void finish();

  [[nodiscard]] const protocol::Hello& hello() const { return hello_; }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

 private:
  explicit Worker(Process process) : process_(std::move(process)) {}
  CallFailure lost(const Process::Read& read, const std::string& during, double timeout_s);

  Process process_;
  protocol::Hello hello_;
  std::int64_t next_id_ = 1;
  std::optional<std::int64_t> oom_kills_at_start_;
};

}  // namespace mlbench::run
