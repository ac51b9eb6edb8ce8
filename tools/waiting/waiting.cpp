// Repeats the self-test of waiting on one worker, each time in a fresh process, and counts what it
// says: mlbench-waiting PROGRAM DEVICE TIMES
//
// An honest worker has to be believed every time, also on a busy machine (start other work beside
// it); one that does not wait (the fake worker with MLBENCH_FAKE=run:async) never.

#include "run/waiting.hpp"

#include "core/text.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

using namespace mlbench;

int main(int argc, char** argv) {
  const auto times = argc == 4 ? parse_int(argv[3]) : std::nullopt;
  if (!times || *times < 1) {
    std::fprintf(stderr, "usage: mlbench-waiting PROGRAM DEVICE TIMES\n");
    return 2;
  }
  const std::string device = argv[2];
  const run::Subject subject{.name = "tested:" + device,
                             .framework = "tested",
                             .device = device,
                             .program = argv[1],
                             .missing = {},
                             .environment = {}};
  const auto scratch = std::filesystem::temp_directory_path() /
                       ("mlbench-waiting-" + std::to_string(::getpid()) + ".output");
  int believed = 0, refused = 0, unknown = 0, failed_looks = 0, looks = 0;
  double seconds = 0;
  for (int i = 0; i < *times; ++i) {
    auto started = run::Worker::start(subject, "/dev/null", 120);
    auto* worker = std::get_if<run::Worker>(&started);
    if (worker == nullptr) {
      std::fprintf(stderr, "%s\n", std::get<run::CallFailure>(started).reason.c_str());
      return 1;
    }
    const auto start = std::chrono::steady_clock::now();
    const auto test = run::test_waiting(
        [&](const std::string& verb, Json body, double timeout_s) {
          return worker->call(verb, std::move(body), timeout_s);
        },
        device, scratch, {}, 120);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    worker->finish();
    ++(!test.waited ? unknown : *test.waited ? believed : refused);
    for (const auto& e : test.evidence) failed_looks += e.failed, looks += e.passed + e.failed;
    if (test.waited != true) std::printf("%s\n", test.reason.c_str());
    if (i == 0 || test.waited != true) std::printf("%s\n", dump_json(to_json(test)).c_str());
    std::fflush(stdout);
  }
  std::printf("believed %d, refused %d, not known %d of %d; %d of %d looks failed; %.2f s a test\n",
              believed, refused, unknown, static_cast<int>(*times), failed_looks, looks,
              seconds / static_cast<double>(*times));
}
