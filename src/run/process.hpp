#pragma once

#include "core/error.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlbench::run {

/// How a child ended.
struct Exit {
  std::optional<int> code;    ///< Exit status, when it exited.
  std::optional<int> signal;  ///< Signal number, when one ended it.
};
/// "exit code 3", "SIGSEGV (segmentation fault)".
[[nodiscard]] std::string describe(const Exit& exit);

/// A child in a process group of its own, with pipes to its stdin and from its stdout. Its stderr
/// is appended to a file. The group is killed when this object goes, grandchildren included.
///
/// Own code rather than a library: the one in Debian's Boost cannot end a whole process group.
class Process {
 public:
  struct Options {
    std::vector<std::string> argv;  ///< argv[0] is the path of the program.
    std::vector<std::pair<std::string, std::string>> environment;  ///< Added to the parent's.
    std::filesystem::path stderr_file;                             ///< Appended to.
  };

  /// Errors: `io`, naming the program, when it cannot be started.
  [[nodiscard]] static Result<Process> start(const Options& options);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  /// Writes `line` and a newline before `deadline`. False when the child does not take it (it died,
  /// or hangs).
  [[nodiscard]] bool write_line(const std::string& line,
                                std::chrono::steady_clock::time_point deadline);

  enum class ReadEnd { line, closed, timed_out, too_long, interrupted };
  struct Read {
    ReadEnd end = ReadEnd::closed;
    std::string line;  ///< Without its newline; what came so far when there was none.
  };
  /// The next line of the child's stdout. Returns `interrupted` at once after request_stop().
  [[nodiscard]] Read read_line(std::chrono::steady_clock::time_point deadline, std::size_t longest);

  /// During the last read_line(): how much longer one wait of at most 100 ms took. Far above 0 this
  /// program was not run either: the machine slept, or was paused.
  [[nodiscard]] double longest_pause_s() const { return longest_pause_s_; }

  /// Stops the child's group where it is, until resume().
  void hold();
  void resume();

  /// Waits up to `patience` for the child to end by itself, then SIGTERM, then SIGKILL.
  Exit finish(std::chrono::milliseconds patience);
  /// SIGKILL at once.
  Exit kill();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The last `bytes` that the child wrote to stderr.
  [[nodiscard]] std::string stderr_tail(std::size_t bytes) const;

 private:
  Process() = default;
  void close_pipes();
  [[nodiscard]] bool reap(bool wait);

  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;  // our ends: the child's stdin and stdout
  std::string buffer_;      // read, but not yet a whole line
  std::optional<Exit> exit_;
  bool held_ = false;
  double longest_pause_s_ = 0;
  std::filesystem::path stderr_file_;
  std::uintmax_t stderr_start_ = 0;
};

/// Makes waiting reads return; for signal handlers (async-signal-safe).
void request_stop() noexcept;
[[nodiscard]] bool stop_requested() noexcept;

}  // namespace mlbench::run
