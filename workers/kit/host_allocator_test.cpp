#include "kit/host_allocator.hpp"

#include "kit/counters.hpp"
#include "kit/sanitizers_for_tests.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <vector>

namespace mlbench::kit {
namespace {

/// Page faults of writing one byte a page of `blocks` blocks, each freed before the next is made.
std::int64_t faults_of(int blocks, std::size_t bytes) {
  const auto before = read_counters().minor_faults;
  for (int i = 0; i < blocks; ++i) {
    std::vector<char> block(bytes, 1);
    REQUIRE(block[bytes / 2] == 1);
  }
  return read_counters().minor_faults - before;
}

}  // namespace

TEST_CASE("freed memory is reused without page faults, until it is given back") {
  if (kAddressSanitizer) return;
  if (keep_freed_memory().is_null()) return;  // the system's own allocator, and nothing to test
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const auto fresh = faults_of(1, kBytes);  // 16384 pages, or 32 huge ones
  REQUIRE(fresh >= 16);
  CHECK(faults_of(4, kBytes) < fresh / 2);
  return_freed_memory();
  CHECK(faults_of(1, kBytes) >= fresh / 2);
}

}  // namespace mlbench::kit
