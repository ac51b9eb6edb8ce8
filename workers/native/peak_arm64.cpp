#include "native/peak.hpp"

#if defined(__aarch64__)

#include "native/system.hpp"

#include <arm_neon.h>

namespace mlbench::native {
namespace {

using workload::DType;

/// Four instructions a cycle times a latency of four cycles (Apple's performance cores).
constexpr int kSums = 16;

float float32_neon(std::int64_t steps) {
  float32x4_t s[kSums];
  const float32x4_t half = vdupq_n_f32(0.5F);
#pragma GCC unroll 16
  for (int v = 0; v < kSums; ++v) s[v] = vdupq_n_f32(1.0F + static_cast<float>(v));
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kSums; ++v) s[v] = vfmaq_f32(half, s[v], half);
  }
#pragma GCC unroll 16
  for (int v = 1; v < kSums; ++v) s[0] = vaddq_f32(s[0], s[v]);
  return vgetq_lane_f32(s[0], 0);
}

float float64_neon(std::int64_t steps) {
  float64x2_t s[kSums];
  const float64x2_t half = vdupq_n_f64(0.5);
#pragma GCC unroll 16
  for (int v = 0; v < kSums; ++v) s[v] = vdupq_n_f64(1.0 + v);
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kSums; ++v) s[v] = vfmaq_f64(half, s[v], half);
  }
#pragma GCC unroll 16
  for (int v = 1; v < kSums; ++v) s[0] = vaddq_f64(s[0], s[v]);
  return static_cast<float>(vgetq_lane_f64(s[0], 0));
}

#if defined(__clang__)
__attribute__((target("fullfp16")))
#else
__attribute__((target("arch=armv8.2-a+fp16")))
#endif
float float16_neon(std::int64_t steps) {
  float16x8_t s[kSums];
  const float16x8_t half = vreinterpretq_f16_u16(vdupq_n_u16(0x3800));
#pragma GCC unroll 16
  for (int v = 0; v < kSums; ++v)  // all different: of equal sums the compiler computes one
    s[v] = vreinterpretq_f16_u16(vdupq_n_u16(static_cast<std::uint16_t>(0x3801 + v)));
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < kSums; ++v) s[v] = vfmaq_f16(half, s[v], half);
  }
#pragma GCC unroll 16
  for (int v = 1; v < kSums; ++v) s[0] = vaddq_f16(s[0], s[v]);
  return static_cast<float>(vgetq_lane_u16(vreinterpretq_u16_f16(s[0]), 0));
}

}  // namespace

void add_arm64_peak_loops(std::vector<PeakLoop>& loops) {
  const auto add = [&](const char* name, DType dtype, int lanes, float (*run)(std::int64_t)) {
    loops.push_back(
        {.name = name, .dtype = dtype, .flop_per_step = 2.0 * kSums * lanes, .run = run});
  };
  add("FMA loop, NEON", DType::float32, 4, float32_neon);
  add("FMA loop, NEON", DType::float64, 2, float64_neon);
  if (cpu_has_float16_arithmetic()) add("FMA loop, NEON FP16", DType::float16, 8, float16_neon);
}

}  // namespace mlbench::native

#else

namespace mlbench::native {
void add_arm64_peak_loops(std::vector<PeakLoop>&) {}
}  // namespace mlbench::native

#endif
