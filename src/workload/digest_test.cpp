#include "workload/digest.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace mlbench::workload;

TEST_CASE("one changed bit, wherever it is, changes the digest, and so do swapped or lost parts") {
  std::vector<std::byte> bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::byte(i * 7 % 251);
  std::set<std::string> digests = {digest_of(bytes)};
  CHECK(digests.begin()->size() == 16);
  CHECK(digests.contains(digest_of(bytes)));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto flip = std::byte(1 << bit % 8);
    bytes[bit / 8] ^= flip;
    CHECK(digests.insert(digest_of(bytes)).second);
    bytes[bit / 8] ^= flip;
  }
  auto swapped = bytes;
  for (std::size_t i = 0; i < 32; ++i) std::swap(swapped[i], swapped[i + 32]);
  CHECK(digests.insert(digest_of(swapped)).second);
  CHECK(digests.insert(digest_of(std::span(bytes).first(968))).second);
  CHECK(digests.insert(digest_of({})).second);
}
