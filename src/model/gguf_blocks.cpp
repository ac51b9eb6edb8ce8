#include "core/dtype.hpp"
#include "model/gguf.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace mlbench::model {
namespace {

constexpr std::array<GgufType, 20> kTypes = {{{0, "f32", 1, 4},
                                              {1, "f16", 1, 2},
                                              {2, "q4_0", 32, 18, 4, 32},
                                              {3, "q4_1", 32, 20, 4, 32},
                                              {6, "q5_0", 32, 22, 5, 32},
                                              {7, "q5_1", 32, 24, 5, 32},
                                              {8, "q8_0", 32, 34, 8, 32},
                                              {10, "q2_k", 256, 84},
                                              {11, "q3_k", 256, 110},
                                              {12, "q4_k", 256, 144, 4, 32},
                                              {13, "q5_k", 256, 176, 5, 32},
                                              {14, "q6_k", 256, 210, 6, 16},
                                              {15, "q8_k", 256, 292},
                                              {24, "i8", 1, 1},
                                              {25, "i16", 1, 2},
                                              {26, "i32", 1, 4},
                                              {27, "i64", 1, 8},
                                              {28, "f64", 1, 8},
                                              {30, "bf16", 1, 2},
                                              {39, "mxfp4", 32, 17}}};

using Bytes = const std::uint8_t*;

float half_at(Bytes p) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, p, sizeof(bits));
  return half_to_float(bits);
}

/// Two numbers a byte: the low halves are the first `n`, the high ones the next.
void nibbles(Bytes from, int n, std::uint8_t* q) {
  for (int i = 0; i < n; ++i) {
    q[i] = from[i] & 15U;
    q[n + i] = static_cast<std::uint8_t>(from[i] >> 4U);
  }
}

/// The fifth bits of 32 numbers, one after the other.
void fifth_bits(Bytes from, std::uint8_t* q) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, from, sizeof(bits));
  for (unsigned i = 0; i < 32; ++i) q[i] |= static_cast<std::uint8_t>((bits >> i & 1U) << 4U);
}

/// q4_0, q4_1, q5_0, q5_1: a scale, an offset where the name ends in 1, fifth bits, halves.
void unpack_32(const GgufType& type, Bytes p, std::uint8_t* q, float* scale, float* offset) {
  *scale = half_at(p), p += 2;
  if (type.name.ends_with("1"))
    *offset = half_at(p), p += 2;
  else
    *offset = -*scale * static_cast<float>(1 << (type.bits - 1));
  const Bytes fifth = p;
  if (type.bits == 5) p += 4;
  nibbles(p, 16, q);
  if (type.bits == 5) fifth_bits(fifth, q);
}

void unpack_q8_0(Bytes p, std::uint8_t* q, float* scale, float* offset) {
  *scale = half_at(p);
  *offset = -128 * *scale;
  for (int i = 0; i < 32; ++i) q[i] = static_cast<std::uint8_t>(p[2 + i] ^ 0x80U);
}

/// q4_k, q5_k: 8 groups of 32; scales and offsets are numbers of 6 bits times one of the block.
void unpack_k(const GgufType& type, Bytes p, std::uint8_t* q, float* scales, float* offsets) {
  const float scale = half_at(p), offset = half_at(p + 2);
  const Bytes six = p + 4, fifth = p + 16, halves = p + (type.bits == 5 ? 48 : 16);
  for (int g = 0; g < 8; ++g) {
    const auto at = [&](int i) -> unsigned { return six[i]; };
    const unsigned s = g < 4 ? at(g) & 63U : (at(g + 4) & 15U) | (at(g - 4) >> 6U << 4U);
    const unsigned o = g < 4 ? at(g + 4) & 63U : (at(g + 4) >> 4U) | (at(g) >> 6U << 4U);
    scales[g] = scale * static_cast<float>(s);
    offsets[g] = -offset * static_cast<float>(o);
  }
  for (int pair = 0; pair < 4; ++pair) nibbles(halves + pair * 32, 32, q + pair * 64);
  if (type.bits != 5) return;
  for (int i = 0; i < 256; ++i)
    q[i] |= static_cast<std::uint8_t>((fifth[i % 32] >> (i / 32) & 1U) << 4U);
}

/// q6_k: 16 groups of 16; per half of the block 64 bytes of low halves and 32 of pairs of high
/// bits.
void unpack_q6_k(Bytes p, std::uint8_t* q, float* scales, float* offsets) {
  const float scale = half_at(p + 208);
  for (int g = 0; g < 16; ++g) {
    scales[g] = scale * static_cast<float>(static_cast<std::int8_t>(p[192 + g]));
    offsets[g] = -32 * scales[g];
  }
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, at = i % 128, quarter = at / 32;
    const unsigned low = p[half * 64 + at % 64], high = p[128 + half * 32 + at % 32];
    q[i] = static_cast<std::uint8_t>((at < 64 ? low & 15U : low >> 4U) |
                                     ((high >> (2 * quarter) & 3U) << 4U));
  }
}

}  // namespace

const GgufType* find_gguf_type(std::uint32_t id) noexcept {
  const auto* it =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const GgufType& t) { return t.id == id; });
  return it == kTypes.end() ? nullptr : &*it;
}

const GgufType* find_gguf_type(std::string_view name) noexcept {
  const auto* it =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const GgufType& t) { return t.name == name; });
  return it == kTypes.end() ? nullptr : &*it;
}

bool stays_packed(const GgufType& type) noexcept {
  return (type.bits == 4 || type.bits == 8) && type.group == 32;
}

void unpack_gguf_block(const GgufType& type, const std::byte* block, std::uint8_t* q, float* scales,
                       float* offsets) {
  const auto* p = reinterpret_cast<Bytes>(block);
  if (type.name == "q8_0") return unpack_q8_0(p, q, scales, offsets);
  if (type.name == "q6_k") return unpack_q6_k(p, q, scales, offsets);
  if (type.block == 256) return unpack_k(type, p, q, scales, offsets);
  unpack_32(type, p, q, scales, offsets);
}

}  // namespace mlbench::model
