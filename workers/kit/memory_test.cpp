#include "kit/memory.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

TEST_CASE("a field of /proc/meminfo is found by its whole name") {
  constexpr std::string_view kText =
      "MemTotal:       24091980 kB\nMemFree:          123 kB\nMemAvailable:   20000000 kB\n";
  CHECK(kit::meminfo_bytes(kText, "MemAvailable") == 20000000LL * 1024);
  CHECK(kit::meminfo_bytes(kText, "MemTotal") == 24091980LL * 1024);
  CHECK_FALSE(kit::meminfo_bytes(kText, "Mem"));
  CHECK_FALSE(kit::meminfo_bytes(kText, "SwapTotal"));
  CHECK_FALSE(kit::meminfo_bytes("MemTotal: lots\n", "MemTotal"));
}

TEST_CASE("a case that does not fit is refused with both sizes, an unknown limit refuses nothing") {
  CHECK_NOTHROW(kit::require_memory(100, 100));
  CHECK_NOTHROW(kit::require_memory(100, std::nullopt));
  CHECK_THROWS_WITH_AS(kit::require_memory(3LL << 30, 1LL << 30),
                       "needs 3.00 GiB of memory, and 1.00 GiB are available", kit::OutOfMemory);
}

TEST_CASE("this machine reports its memory") {
  const auto total = kit::total_memory_bytes();
  const auto available = kit::available_memory_bytes();
  REQUIRE(total);
  REQUIRE(available);
  CHECK(*available > 0);
  CHECK(*available <= *total);
}
