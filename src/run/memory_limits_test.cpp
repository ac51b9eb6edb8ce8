#include "run/memory_limits.hpp"

#include <doctest/doctest.h>

using namespace mlbench;
using namespace mlbench::run;

namespace {

constexpr std::int64_t kMiB = 1 << 20, kGiB = 1 << 30;
const auto kAlways = [] { return true; };

/// A device with a limit for one buffer and another for all of them: an M5 with 24 GiB has about
/// 13.3 and 17.8 GiB.
struct Device {
  std::int64_t largest = 13 * kGiB + 307 * kMiB, total = 17 * kGiB + 819 * kMiB;
  std::int64_t held = 0, most_asked = 0;
  double bytes_per_s = 100e9;
  std::int64_t slow_from = 1000 * kGiB;

  bool one(std::int64_t bytes) {
    most_asked = std::max(most_asked, bytes);
    return bytes <= largest && bytes <= total;
  }
  Attempt add(std::int64_t bytes) {
    if (bytes > largest || held + bytes > total) return {};
    held += bytes;
    most_asked = std::max(most_asked, held);
    const double speed = held >= slow_from ? bytes_per_s / 20 : bytes_per_s;
    return {.ok = true, .touch_s = static_cast<double>(held) / speed};
  }
};

}  // namespace

TEST_CASE("one buffer and all buffers are two limits, each found to its resolution") {
  Device device;
  const auto one =
      largest_passing([&](std::int64_t b) { return device.one(b); }, 24 * kGiB, 16 * kMiB, kAlways);
  const auto all =
      fill([&](std::int64_t b) { return device.add(b); }, 24 * kGiB, 2 * kGiB, 16 * kMiB, kAlways);
  REQUIRE(one.refused_bytes);
  REQUIRE(all.touched.refused_bytes);
  CHECK(one.passed_bytes <= device.largest);
  CHECK(*one.refused_bytes > device.largest);
  CHECK(*one.refused_bytes - one.passed_bytes <= 16 * kMiB);
  CHECK(all.touched.passed_bytes <= device.total);
  CHECK(*all.touched.refused_bytes > device.total);
  CHECK(device.total - all.touched.passed_bytes <= 16 * kMiB);
  CHECK(all.touched.passed_bytes > one.passed_bytes + 4 * kGiB);
  CHECK_FALSE(all.slow_from_bytes);
}

TEST_CASE("a step of a coarse grid is never given as the limit") {
  // The steps 4, 8, 12, 16 GiB would say 12 for every limit from 12 to 16.
  for (const std::int64_t limit : {12 * kGiB, 13 * kGiB + kMiB, 15 * kGiB + 999 * kMiB}) {
    const auto found =
        largest_passing([&](std::int64_t b) { return b <= limit; }, 20 * kGiB, kMiB, kAlways);
    CHECK(limit - found.passed_bytes <= kMiB);
    REQUIRE(found.refused_bytes);
    CHECK(*found.refused_bytes > limit);
  }
}

TEST_CASE("a limit beyond the bound is not given a value: nothing was refused") {
  Device device;
  const auto one =
      largest_passing([&](std::int64_t b) { return device.one(b); }, 4 * kGiB, 16 * kMiB, kAlways);
  CHECK(one.passed_bytes == 4 * kGiB);
  CHECK_FALSE(one.refused_bytes);
  const auto all =
      fill([&](std::int64_t b) { return device.add(b); }, 4 * kGiB, kGiB, 16 * kMiB, kAlways);
  CHECK(all.touched.passed_bytes == 4 * kGiB);
  CHECK_FALSE(all.touched.refused_bytes);
  CHECK(device.most_asked <= 4 * kGiB);
}

TEST_CASE("where the speed collapses, nothing more is asked for") {
  Device device;
  device.slow_from = 6 * kGiB;
  const auto all =
      fill([&](std::int64_t b) { return device.add(b); }, 16 * kGiB, kGiB, 16 * kMiB, kAlways);
  CHECK(all.slow_from_bytes == 6 * kGiB);
  CHECK(all.touched.passed_bytes == 6 * kGiB);
  CHECK(device.held == 6 * kGiB);
}

TEST_CASE("time that is up ends the search with what is known") {
  int left = 3;
  const auto found = largest_passing([](std::int64_t b) { return b <= 5 * kGiB; }, 16 * kGiB, kMiB,
                                     [&] { return left-- > 0; });
  CHECK(found.passed_bytes <= 5 * kGiB);
  CHECK(*found.refused_bytes > 5 * kGiB);
  CHECK(fill([](std::int64_t) { return Attempt{.ok = true, .touch_s = 1}; }, kGiB, kMiB, kMiB,
             [] { return false; })
            .touched.passed_bytes == 0);
}

TEST_CASE("a row survives JSON, unknown stays unknown") {
  const LimitRow row{.name = "largest_allocation",
                     .subject = "mlx:gpu",
                     .read_bytes = 5,
                     .measured_bytes = {},
                     .refused_bytes = 7,
                     .ratio = {},
                     .source = "tried"};
  const auto again = limit_row_from_json(to_json(row));
  CHECK(again.name == row.name);
  CHECK(again.subject == row.subject);
  CHECK(again.read_bytes == 5);
  CHECK_FALSE(again.measured_bytes);
  CHECK(again.refused_bytes == 7);
  CHECK(again.source == "tried");
}
