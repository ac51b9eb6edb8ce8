#include "native/thread_pool.hpp"

#include "native/trial.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

using namespace mlbench::native;

TEST_CASE("every part runs once in each of many tasks in a row") {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    REQUIRE(pool.size() == threads);
    std::vector<int> counts(static_cast<std::size_t>(threads), 0);
    for (int i = 0; i < 2000; ++i) {
      pool.run([&](int part) { ++counts[static_cast<std::size_t>(part)]; });
    }
    for (const int count : counts) CHECK(count == 2000);
  }
}

TEST_CASE("a part always runs on the same thread, the first on the caller's") {
  ThreadPool pool(3);
  std::vector<std::thread::id> first(3), second(3);
  pool.run([&](int part) { first[static_cast<std::size_t>(part)] = std::this_thread::get_id(); });
  pool.run([&](int part) { second[static_cast<std::size_t>(part)] = std::this_thread::get_id(); });
  CHECK(first == second);
  CHECK(first[0] == std::this_thread::get_id());
  CHECK(first[1] != first[2]);
}

TEST_CASE("a pool wakes up after its threads have gone to sleep") {
  ThreadPool pool(3);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> ran = 0;
    pool.run([&](int) { ++ran; });
    CHECK(ran == 3);
  }
}

TEST_CASE("a pool that waits uses no CPU time") {
  ThreadPool pool(4);
  pool.run([](int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double used_s = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  CHECK(used_s < 0.15);  // three threads that spin would use up to 0.9 s
}

TEST_CASE("parts cover a range in order, without gap or overlap, cut at the grain") {
  for (const std::size_t size : {0UL, 1UL, 15UL, 16UL, 17UL, 1000UL, 100000UL}) {
    for (const int parts : {1, 2, 3, 7}) {
      std::size_t next = 0;
      for (int part = 0; part < parts; ++part) {
        const auto range = part_of(size, part, parts, 16);
        CHECK(range.first == next);
        if (range.first + range.count < size) CHECK((range.first + range.count) % 16 == 0);
        next = range.first + range.count;
      }
      CHECK(next == size);
    }
  }
}

TEST_CASE("a trial keeps the clearly shortest time, and the first of near ties") {
  const auto pick = [](std::vector<double> times_s) { return clearly_shortest(times_s); };
  CHECK(pick({1.0}) == 0);
  CHECK(pick({1.0, 0.5, 0.7}) == 1);
  CHECK(pick({1.0, 0.99, 0.985}) == 0);
  CHECK(pick({1.0, 0.99, 0.97}) == 2);
}

TEST_CASE("a trial calls every candidate, and a lone one not at all") {
  int first = 0, second = 0;
  const std::vector<Candidate> two = {{"a", [&] { ++first; }}, {"b", [&] { ++second; }}};
  CHECK(fastest(two, 0.001) < 2);
  CHECK(first == second);
  CHECK(first >= 4);
  CHECK(fastest({two.data(), 1}, 0.001) == 0);
  CHECK(first == second);
}
