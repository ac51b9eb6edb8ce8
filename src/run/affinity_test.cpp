#include "run/affinity.hpp"

#include "run/runner.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace mlbench::run;

TEST_CASE("a process is placed on one CPU and set free again") {
  const auto cpus = usable_cpus();
  if (cpus.size() < 2) return;  // nothing to choose between
  int pipe_fds[2];
  REQUIRE(pipe(pipe_fds) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // tells how many CPUs it may use, each time it is asked
    for (;;) {
      raise(SIGSTOP);
      const int count = static_cast<int>(usable_cpus().size());
      if (write(pipe_fds[1], &count, sizeof(count)) < 0) _exit(1);
    }
  }
  const auto count = [&] {
    int n = 0;
    waitpid(child, nullptr, WUNTRACED);
    kill(child, SIGCONT);
    CHECK(read(pipe_fds[0], &n, sizeof(n)) == sizeof(n));
    return n;
  };
  CHECK(count() == static_cast<int>(cpus.size()));
  place_process(child, {cpus[1]});
  CHECK(count() == 1);
  place_process(child, cpus);
  CHECK(count() == static_cast<int>(cpus.size()));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(pipe_fds[0]), close(pipe_fds[1]);
}

TEST_CASE("placing a process that is gone changes nothing") {
  const auto before = usable_cpus();
  place_process(-1, {0});
  CHECK(usable_cpus() == before);
}

TEST_CASE("a machine with large and small cores is known by its groups") {
  using mlbench::Json;
  CHECK(cores_are_alike(Json::object()));
  CHECK(cores_are_alike({{"cpu", {{"groups", Json::array()}}}}));
  CHECK_FALSE(cores_are_alike(
      {{"cpu", {{"groups", {{{"name", "Performance"}}, {{"name", "Efficiency"}}}}}}}));
}
