#include "native/stream.hpp"
#include "workload/memory.hpp"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace mlbench::native {
namespace {

using workload::Memory;

enum class Store { cached, non_temporal };

/// Stores 8 elements. STNP only hints that the line will not be read soon; Clang has no intrinsic
/// that GCC shares.
template <Store store>
inline void store8(float* y, float32x4_t low, float32x4_t high) {
  if constexpr (store == Store::non_temporal) {
    asm volatile("stnp %q1, %q2, [%0]" : : "r"(y), "w"(low), "w"(high) : "memory");
  } else {
    vst1q_f32(y, low);
    vst1q_f32(y + 4, high);
  }
}

template <Store store>
void copy_neon(const float* x, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    store8<store>(y + i, vnegq_f32(vld1q_f32(x + i)), vnegq_f32(vld1q_f32(x + i + 4)));
    store8<store>(y + i + 8, vnegq_f32(vld1q_f32(x + i + 8)), vnegq_f32(vld1q_f32(x + i + 12)));
  }
  for (; i < n; ++i) y[i] = -x[i];
}

template <Store store>
void write_neon(float* y, std::size_t n) {
  const float32x4_t value = vdupq_n_f32(Memory::kWriteValue);
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    store8<store>(y + i, value, value);
    store8<store>(y + i + 8, value, value);
  }
  for (; i < n; ++i) y[i] = Memory::kWriteValue;
}

inline float32x4_t triad4(const float* a, const float* b) {
  return vfmaq_n_f32(vld1q_f32(a), vld1q_f32(b), Memory::kTriadScale);
}

template <Store store>
void triad_neon(const float* a, const float* b, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    store8<store>(y + i, triad4(a + i, b + i), triad4(a + i + 4, b + i + 4));
    store8<store>(y + i + 8, triad4(a + i + 8, b + i + 8), triad4(a + i + 12, b + i + 12));
  }
  for (; i < n; ++i) y[i] = a[i] + Memory::kTriadScale * b[i];
}

inline float32x4_t scale4(const float* x) {
  return vmulq_n_f32(vld1q_f32(x), Memory::kTriadScale);
}

template <Store store>
void scale_neon(const float* x, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    store8<store>(y + i, scale4(x + i), scale4(x + i + 4));
    store8<store>(y + i + 8, scale4(x + i + 8), scale4(x + i + 12));
  }
  for (; i < n; ++i) y[i] = Memory::kTriadScale * x[i];
}

inline float32x4_t add4(const float* a, const float* b) {
  return vaddq_f32(vld1q_f32(a), vld1q_f32(b));
}

template <Store store>
void add_neon(const float* a, const float* b, float* y, std::size_t n) {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    store8<store>(y + i, add4(a + i, b + i), add4(a + i + 4, b + i + 4));
    store8<store>(y + i + 8, add4(a + i + 8, b + i + 8), add4(a + i + 12, b + i + 12));
  }
  for (; i < n; ++i) y[i] = a[i] + b[i];
}

double sum_neon(const float* x, std::size_t n) {
  constexpr std::size_t kVectors = 16, kStep = 4 * kVectors;
  float64x2_t totals = vdupq_n_f64(0);
  std::size_t i = 0;
  while (n - i >= kStep) {
    const std::size_t block = (n - i < kSumBlock ? n - i : kSumBlock) / kStep * kStep;
    float32x4_t s[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) s[v] = vdupq_n_f32(0);
    for (const std::size_t end = i + block; i < end; i += kStep) {
      for (std::size_t v = 0; v < kVectors; ++v) s[v] = vaddq_f32(s[v], vld1q_f32(x + i + 4 * v));
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      totals = vaddq_f64(totals, vcvt_f64_f32(vget_low_f32(s[v])));
      totals = vaddq_f64(totals, vcvt_high_f64_f32(s[v]));
    }
  }
  double total = vaddvq_f64(totals);
  for (; i < n; ++i) total += double{x[i]};
  return total;
}

}  // namespace

void add_arm64_stream_loops(std::vector<StreamLoops>& loops) {
  loops.push_back({"NEON", false, copy_neon<Store::cached>, sum_neon, write_neon<Store::cached>,
                   triad_neon<Store::cached>, scale_neon<Store::cached>, add_neon<Store::cached>});
  loops.push_back({"NEON, non-temporal stores", true, copy_neon<Store::non_temporal>, sum_neon,
                   write_neon<Store::non_temporal>, triad_neon<Store::non_temporal>,
                   scale_neon<Store::non_temporal>, add_neon<Store::non_temporal>});
}

}  // namespace mlbench::native

#else

namespace mlbench::native {
void add_arm64_stream_loops(std::vector<StreamLoops>&) {}
}  // namespace mlbench::native

#endif
