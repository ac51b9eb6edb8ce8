#include "native/ceilings.hpp"

#include "native/peak.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace mlbench;

TEST_CASE(
    "working sets double from 64 KiB to four caches, and never take an eighth of the memory") {
  constexpr std::int64_t kMiB = 1 << 20, kGiB = 1 << 30;
  const auto sets = native::working_sets(64 * kGiB, 32 * kMiB);
  CHECK(sets.front() == 64 << 10);
  CHECK(sets.back() == 256 * kMiB);  // at least four times 64 MiB
  for (std::size_t i = 1; i < sets.size(); ++i) CHECK(sets[i] == 2 * sets[i - 1]);
  CHECK(native::working_sets(64 * kGiB, 256 * kMiB).back() == kGiB / 2);  // no larger
  CHECK(native::working_sets(kGiB, 256 * kMiB).back() == 128 * kMiB);
  CHECK(native::working_sets({}, {}).back() == 256 * kMiB);
  CHECK(native::working_sets(0, 32 * kMiB).size() == 1);
}

TEST_CASE("peak loops of one dtype do the work that they state, so that their results are finite") {
  for (const auto& loop : native::peak_loops()) {
    CAPTURE(loop.name);
    CHECK(loop.flop_per_step > 0);
    CHECK(loop.run(10) == loop.run(10));
  }
}

TEST_CASE("ceilings hold every resource: bytes per working set, and every dtype") {
  native::ThreadPool pool(2);
  const Json list = native::measure_ceilings(pool, nullptr, 256 << 20, 4 << 20, 20);
  std::set<std::string> resources;
  std::set<std::int64_t> sets;
  for (const Json& c : list) {
    resources.insert(c["resource"]);
    CHECK(c["rate"].get<double>() > 0);
    CHECK(c["threads"].get<int>() <= 2);
    if (c["resource"] == "bytes_per_s") sets.insert(c["working_set_bytes"].get<std::int64_t>());
  }
  CHECK(resources.contains("bytes_per_s"));
  CHECK(sets.contains(32 << 20));
#if defined(__x86_64__) || defined(__aarch64__)
  CHECK(resources.contains("float32"));
  CHECK(resources.contains("float16"));
  CHECK(resources.contains("bfloat16"));
#endif
}

TEST_CASE("without time the memory itself and the arithmetic are measured all the same") {
  native::ThreadPool pool(1);
  std::set<std::string> resources;
  std::set<std::int64_t> sets;
  for (const Json& c : native::measure_ceilings(pool, nullptr, 64 << 20, 4 << 20, 0)) {
    resources.insert(c["resource"]);
    if (c["resource"] == "bytes_per_s") sets.insert(c["working_set_bytes"].get<std::int64_t>());
  }
  CHECK(resources.contains("float32"));
  CHECK(sets == std::set<std::int64_t>{8 << 20});
}
