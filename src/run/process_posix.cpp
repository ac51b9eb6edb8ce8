#include "run/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

extern char** environ;

namespace mlbench::run {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<bool> g_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "needed in a signal handler");

struct Pipe {
  int read_end = -1, write_end = -1;
};

// macOS has no pipe2(); this program starts children from one thread only, so the gap is harmless.
std::optional<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe(fds.data()) != 0) return std::nullopt;
  for (const int fd : fds) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Pipe{.read_end = fds[0], .write_end = fds[1]};
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

std::vector<std::string> merged_environment(
    const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto key = text.substr(0, text.find('='));
    if (std::none_of(added.begin(), added.end(), [&](const auto& a) { return a.first == key; }))
      merged.emplace_back(text);
  }
  for (const auto& [key, value] : added) merged.push_back(key + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

/// Waits until `fd` is ready or 100 ms passed, so that a stop request is seen soon. Returns the
/// seconds that it took longer than that.
double wait_for(int fd, short events, Clock::time_point deadline) {
  const auto start = Clock::now();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - start).count();
  const auto longest = std::clamp<long long>(left, 0, 100);
  pollfd p{.fd = fd, .events = events, .revents = 0};
  ::poll(&p, 1, static_cast<int>(longest));
  const auto late = Clock::now() - start - std::chrono::milliseconds(longest);
  return std::max(0.0, std::chrono::duration<double>(late).count());
}

/// File actions and attributes of posix_spawn, destroyed together.
struct SpawnSetup {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  void own_group_and_default_signals() {
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int s : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&defaults, s);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes,
        static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
};

}  // namespace

void request_stop() noexcept {
  g_stop.store(true);
}
bool stop_requested() noexcept {
  return g_stop.load();
}

std::string describe(const Exit& exit) {
  if (exit.signal) {
    constexpr std::array<std::pair<int, const char*>, 8> kNames = {{{SIGSEGV, "SIGSEGV"},
                                                                    {SIGABRT, "SIGABRT"},
                                                                    {SIGBUS, "SIGBUS"},
                                                                    {SIGILL, "SIGILL"},
                                                                    {SIGFPE, "SIGFPE"},
                                                                    {SIGKILL, "SIGKILL"},
                                                                    {SIGTERM, "SIGTERM"},
                                                                    {SIGPIPE, "SIGPIPE"}}};
    const auto it = std::find_if(kNames.begin(), kNames.end(),
                                 [&](const auto& n) { return n.first == *exit.signal; });
    return it == kNames.end() ? "signal " + std::to_string(*exit.signal) : it->second;
  }
  return "exit code " + std::to_string(exit.code.value_or(-1));
}

Result<Process> Process::start(const Options& options) {
  auto input = make_pipe();
  auto output = make_pipe();
  if (!input || !output)
    return fail(ErrorKind::io, std::string("cannot make a pipe: ") + std::strerror(errno));

  Process process;
  process.in_ = input->write_end;
  process.out_ = output->read_end;
  process.stderr_file_ = options.stderr_file;
  std::error_code ignored;
  const auto size = std::filesystem::file_size(options.stderr_file, ignored);
  process.stderr_start_ = ignored ? 0 : size;

  SpawnSetup setup;
  posix_spawn_file_actions_adddup2(&setup.actions, input->read_end, 0);
  posix_spawn_file_actions_adddup2(&setup.actions, output->write_end, 1);
  posix_spawn_file_actions_addopen(&setup.actions, 2, options.stderr_file.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  setup.own_group_and_default_signals();
  auto argv = options.argv;
  auto environment = merged_environment(options.environment);
  const int error = ::posix_spawn(&process.pid_, argv[0].c_str(), &setup.actions, &setup.attributes,
                                  pointers(argv).data(), pointers(environment).data());
  close_fd(input->read_end);
  close_fd(output->write_end);
  if (error != 0) {
    process.pid_ = -1;
    return fail(ErrorKind::io, argv[0] + ": cannot be started: " + std::strerror(error));
  }
  for (const int fd : {process.in_, process.out_})
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return process;
}

Process::Process(Process&& other) noexcept {
  *this = std::move(other);
}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(in_, other.in_);
  std::swap(out_, other.out_);
  std::swap(buffer_, other.buffer_);
  std::swap(exit_, other.exit_);
  std::swap(held_, other.held_);
  std::swap(stderr_file_, other.stderr_file_);
  std::swap(stderr_start_, other.stderr_start_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0 && !exit_) static_cast<void>(kill());
  close_pipes();
}

void Process::close_pipes() {
  close_fd(in_);
  close_fd(out_);
}

bool Process::write_line(const std::string& line, Clock::time_point deadline) {
  const std::string text = line + "\n";
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n =
        ::write(in_, text.data() + sent, text.size() - sent);  // main() ignores SIGPIPE
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN && Clock::now() < deadline && !stop_requested()) {
      static_cast<void>(wait_for(in_, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Process::Read Process::read_line(Clock::time_point deadline, std::size_t longest) {
  std::size_t searched = 0;
  longest_pause_s_ = 0;
  for (;;) {
    const auto newline = buffer_.find('\n', searched);
    if (newline != std::string::npos) {
      Read read{.end = ReadEnd::line, .line = buffer_.substr(0, newline)};
      buffer_.erase(0, newline + 1);
      return read;
    }
    searched = buffer_.size();
    if (buffer_.size() > longest) return {.end = ReadEnd::too_long, .line = buffer_.substr(0, 200)};
    if (stop_requested()) return {.end = ReadEnd::interrupted, .line = {}};
    std::array<char, 65536> chunk{};
    const ssize_t n = ::read(out_, chunk.data(), chunk.size());
    if (n > 0) {
      buffer_.append(chunk.data(), static_cast<std::size_t>(n));
    } else if (n == 0) {
      return {.end = ReadEnd::closed, .line = buffer_.substr(0, 200)};
    } else if (errno == EAGAIN) {
      if (Clock::now() >= deadline)
        return {.end = ReadEnd::timed_out, .line = buffer_.substr(0, 200)};
      longest_pause_s_ = std::max(longest_pause_s_, wait_for(out_, POLLIN, deadline));
    } else if (errno != EINTR) {
      return {.end = ReadEnd::closed, .line = {}};
    }
  }
}

bool Process::reap(bool wait) {
  if (exit_) return true;
  int status = 0;
  pid_t done = 0;
  do {
    done = ::waitpid(pid_, &status, wait ? 0 : WNOHANG);
  } while (done < 0 && errno == EINTR);
  if (done != pid_) return false;
  exit_ = WIFSIGNALED(status) ? Exit{.code = {}, .signal = WTERMSIG(status)}
                              : Exit{.code = WEXITSTATUS(status), .signal = {}};
  ::kill(-pid_, SIGKILL);  // whatever the child left in its group
  return true;
}

Exit Process::finish(std::chrono::milliseconds patience) {
  close_fd(in_);
  const auto wait_until = [&](Clock::time_point deadline) {
    while (!reap(false) && Clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return exit_.has_value();
  };
  if (wait_until(Clock::now() + patience)) return *exit_;
  ::kill(-pid_, SIGTERM);
  if (wait_until(Clock::now() + std::chrono::seconds(1))) return *exit_;
  return kill();
}

void Process::hold() {
  if (pid_ <= 0 || exit_ || held_) return;
  held_ = ::kill(-pid_, SIGSTOP) == 0;
}

void Process::resume() {
  if (!held_) return;
  held_ = false;
  ::kill(-pid_, SIGCONT);
}

Exit Process::kill() {
  if (!exit_) {
    ::kill(-pid_, SIGKILL);
    static_cast<void>(reap(true));
  }
  return exit_.value_or(Exit{});
}

std::string Process::stderr_tail(std::size_t bytes) const {
  std::ifstream file(stderr_file_, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto end = static_cast<std::uintmax_t>(file.tellg());
  const auto start = std::max<std::uintmax_t>(stderr_start_, end > bytes ? end - bytes : 0);
  if (start >= end) return {};
  std::string text(static_cast<std::size_t>(end - start), '\0');
  file.seekg(static_cast<std::streamoff>(start));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

}  // namespace mlbench::run
