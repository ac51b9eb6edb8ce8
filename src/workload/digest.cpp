#include "workload/digest.hpp"

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace mlbench::workload {
namespace {

constexpr std::uint64_t kBasis = 0xcbf29ce484222325, kPrime = 0x100000001b3;
constexpr std::size_t kLanes = 4, kWord = sizeof(std::uint64_t);

/// The upper half of a product comes down into the lower, where FNV-1a alone never brings it.
void add_word(std::uint64_t& hash, std::uint64_t word) {
  hash = (hash ^ word) * kPrime;
  hash ^= hash >> 32;
}

}  // namespace

std::string digest_of(std::span<const std::byte> bytes) {
  std::array<std::uint64_t, kLanes> lanes;
  lanes.fill(kBasis);
  std::size_t i = 0;
  for (; i + kLanes * kWord <= bytes.size(); i += kLanes * kWord) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i + lane * kWord, kWord);
      add_word(lanes[lane], word);
    }
  }
  std::uint64_t hash = kBasis;
  for (; i < bytes.size(); ++i) add_word(hash, std::to_integer<std::uint64_t>(bytes[i]));
  for (const std::uint64_t lane : lanes) add_word(hash, lane);
  add_word(hash, bytes.size());
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, hash);
  return text.data();
}

}  // namespace mlbench::workload
