#include "native/peak.hpp"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#include <cstring>

// Twelve sums: two instructions a cycle times a latency of at most five cycles, and registers left
// over. The factors are such that no sum grows beyond its range or becomes subnormal: x <- x/2 +
// 1/2.
namespace mlbench::native {
namespace {

using workload::DType;

constexpr int kSums = 12;

__attribute__((target("avx2,fma"))) float float32_avx2(std::int64_t steps) {
  __m256 s[kSums];
  const __m256 half = _mm256_set1_ps(0.5F);
#pragma GCC unroll 12
  for (int v = 0; v < kSums; ++v) s[v] = _mm256_set1_ps(1.0F + static_cast<float>(v));
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int v = 0; v < kSums; ++v) s[v] = _mm256_fmadd_ps(s[v], half, half);
  }
#pragma GCC unroll 12
  for (int v = 1; v < kSums; ++v) s[0] = _mm256_add_ps(s[0], s[v]);
  return _mm256_cvtss_f32(s[0]);
}

__attribute__((target("avx2,fma"))) float float64_avx2(std::int64_t steps) {
  __m256d s[kSums];
  const __m256d half = _mm256_set1_pd(0.5);
#pragma GCC unroll 12
  for (int v = 0; v < kSums; ++v) s[v] = _mm256_set1_pd(1.0 + v);
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int v = 0; v < kSums; ++v) s[v] = _mm256_fmadd_pd(s[v], half, half);
  }
#pragma GCC unroll 12
  for (int v = 1; v < kSums; ++v) s[0] = _mm256_add_pd(s[0], s[v]);
  return static_cast<float>(_mm256_cvtsd_f64(s[0]));
}

__attribute__((target("avx512f"))) float float32_avx512(std::int64_t steps) {
  __m512 s[kSums];
  const __m512 half = _mm512_set1_ps(0.5F);
#pragma GCC unroll 12
  for (int v = 0; v < kSums; ++v) s[v] = _mm512_set1_ps(1.0F + static_cast<float>(v));
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int v = 0; v < kSums; ++v) s[v] = _mm512_fmadd_ps(s[v], half, half);
  }
#pragma GCC unroll 12
  for (int v = 1; v < kSums; ++v) s[0] = _mm512_add_ps(s[0], s[v]);
  return _mm512_cvtss_f32(s[0]);
}

__attribute__((target("avx512f"))) float float64_avx512(std::int64_t steps) {
  __m512d s[kSums];
  const __m512d half = _mm512_set1_pd(0.5);
#pragma GCC unroll 12
  for (int v = 0; v < kSums; ++v) s[v] = _mm512_set1_pd(1.0 + v);
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int v = 0; v < kSums; ++v) s[v] = _mm512_fmadd_pd(s[v], half, half);
  }
#pragma GCC unroll 12
  for (int v = 1; v < kSums; ++v) s[0] = _mm512_add_pd(s[0], s[v]);
  return static_cast<float>(_mm512_cvtsd_f64(s[0]));
}

/// Its latency is longer. Sums stay in range: each step adds 0. No faster than float32 on every
/// CPU: Golden Cove's cores (Sapphire and Emerald Rapids) begin one every second cycle, 32 FLOP a
/// cycle, and two float32 multiply-adds a cycle, 64 (a loop of ours timed at 2.2
/// and 0.53 cycles an instruction on Emerald Rapids, the clock inferred); their fast bfloat16
/// is AMX, which a BLAS or oneDNN drives.
constexpr int kBfloat16Sums = 24;

__attribute__((target("avx512f,avx512bw,avx512bf16"))) float bfloat16_avx512(std::int64_t steps) {
  __m512 s[kBfloat16Sums];
  const __m512i bits = _mm512_set1_epi16(0x3f80);  // 1
  const __m512i zero = _mm512_setzero_si512();
  __m512bh one, none;
  std::memcpy(&one, &bits, sizeof one);
  std::memcpy(&none, &zero, sizeof none);
#pragma GCC unroll 24
  for (int v = 0; v < kBfloat16Sums; ++v) s[v] = _mm512_set1_ps(1.0F + static_cast<float>(v));
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 24
    for (int v = 0; v < kBfloat16Sums; ++v) s[v] = _mm512_dpbf16_ps(s[v], one, none);
  }
#pragma GCC unroll 24
  for (int v = 1; v < kBfloat16Sums; ++v) s[0] = _mm512_add_ps(s[0], s[v]);
  return _mm512_cvtss_f32(s[0]);
}

// Clang 14 and 15 have the type only where the whole file is compiled for it.
#if defined(__GNUC__) && (!defined(__clang__) || __clang_major__ >= 16)
#define MLBENCH_HAS_AVX512FP16 1
__attribute__((target("avx512fp16"))) float float16_avx512(std::int64_t steps) {
  __m512h s[kSums];
  const __m512i bits = _mm512_set1_epi16(0x3800);  // 1/2
  __m512h half;
  std::memcpy(&half, &bits, sizeof half);
  // All different: of equal sums the compiler computes one, and a third of the work is gone.
#pragma GCC unroll 12
  for (int v = 0; v < kSums; ++v) {
    const __m512i start = _mm512_set1_epi16(static_cast<short>(0x3801 + v));
    std::memcpy(&s[v], &start, sizeof start);
  }
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int v = 0; v < kSums; ++v) s[v] = _mm512_fmadd_ph(s[v], half, half);
  }
#pragma GCC unroll 12
  for (int v = 1; v < kSums; ++v) s[0] = _mm512_add_ph(s[0], s[v]);
  __m512i sum;
  std::memcpy(&sum, &s[0], sizeof sum);
  return static_cast<float>(_mm512_cvtsi512_si32(sum));
}
#endif

/// __builtin_cpu_supports() of GCC 12 and Clang 14 does not know it: CPUID leaf 7, EDX bit 23. The
/// system's part (AVX-512 state) is asked with avx512f.
[[maybe_unused]] bool has_avx512fp16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return __builtin_cpu_supports("avx512f") && (d >> 23U & 1U) != 0;
}

}  // namespace

void add_x86_peak_loops(std::vector<PeakLoop>& loops) {
  __builtin_cpu_init();
  const auto add = [&](const char* name, DType dtype, int lanes, float (*run)(std::int64_t),
                       int sums = kSums) {
    loops.push_back(
        {.name = name, .dtype = dtype, .flop_per_step = 2.0 * sums * lanes, .run = run});
  };
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    add("FMA loop, AVX2", DType::float32, 8, float32_avx2);
    add("FMA loop, AVX2", DType::float64, 4, float64_avx2);
  }
  if (__builtin_cpu_supports("avx512f")) {
    add("FMA loop, AVX-512", DType::float32, 16, float32_avx512);
    add("FMA loop, AVX-512", DType::float64, 8, float64_avx512);
  }
  if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw"))
    add("dot-product loop, AVX512-BF16", DType::bfloat16, 32, bfloat16_avx512, kBfloat16Sums);
#ifdef MLBENCH_HAS_AVX512FP16
  if (has_avx512fp16()) add("FMA loop, AVX512-FP16", DType::float16, 32, float16_avx512);
#endif
}

}  // namespace mlbench::native

#else

namespace mlbench::native {
void add_x86_peak_loops(std::vector<PeakLoop>&) {}
}  // namespace mlbench::native

#endif
