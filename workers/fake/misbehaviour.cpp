#include "misbehaviour.hpp"

#include "core/text.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>

namespace mlbench::fake {
namespace {

int g_stdout = -1;

void write_raw(const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = ::write(g_stdout, text.data() + sent, text.size() - sent);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

/// Calls `visit(step, glob, manner)` for each item of MLBENCH_FAKE.
template <class Visit>
void for_each_item(Visit visit) {
  const char* variable = std::getenv("MLBENCH_FAKE");
  if (variable == nullptr) return;
  for (const auto item : split(variable, ',')) {
    const auto colon = item.rfind(':');
    if (colon == std::string_view::npos) continue;
    const auto target = item.substr(0, colon);
    const auto at = target.find('@');
    visit(target.substr(0, at), at == std::string_view::npos ? "*" : target.substr(at + 1),
          item.substr(colon + 1));
  }
}

[[noreturn]] void hang() {
  signal(SIGTERM, SIG_IGN);
  for (;;) ::pause();
}

void act(std::string_view manner) {
  if (manner == "crash") {
    std::fprintf(stderr, "fake: about to touch memory that is not there\n");
    signal(SIGSEGV, SIG_DFL);  // a sanitizer would make an exit code of it
    raise(SIGSEGV);
  }
  if (manner == "exit") _exit(3);
  if (manner == "kill") raise(SIGKILL);
  if (manner == "hang") hang();
  if (manner == "rubbish") write_raw("this is not JSON\n");
  if (manner == "huge") write_raw(std::string(std::size_t{17} << 20, 'x') + "\n");
  if (manner == "half") {
    write_raw("{\"id\":1,\"ok\"");
    _exit(0);
  }
  if (manner == "print") std::printf("a framework says hello on stdout\n");
  if (manner == "oom") throw std::bad_alloc();
  if (manner == "throw") throw std::runtime_error("the framework is unhappy");
}

}  // namespace

void keep_stdout() {
  g_stdout = ::dup(STDOUT_FILENO);
}

bool asked_for(std::string_view step, std::string_view manner, std::string_view case_id) {
  bool found = false;
  for_each_item([&](std::string_view s, std::string_view glob, std::string_view m) {
    found = found || (s == step && m == manner && glob_match(glob, case_id));
  });
  return found;
}

bool is_second() {
  // The lock goes with the process, however it ends; the descriptor is meant to stay open.
  static const bool second = [] {
    const char* path = std::getenv("MLBENCH_FAKE_LOCK");
    if (path == nullptr) return false;
    const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0;
  }();
  return second;
}

void act_out(std::string_view step, std::string_view case_id) {
  for_each_item([&](std::string_view s, std::string_view glob, std::string_view m) {
    if (s == step && glob_match(glob, case_id)) act(m);
  });
}

}  // namespace mlbench::fake
