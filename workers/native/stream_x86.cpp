#include "native/stream.hpp"
#include "workload/memory.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>

// Each function names the instructions it may use, so that the program itself runs on any x86-64;
// add_x86_stream_loops() hands out only what the CPU has.
#define MLBENCH_AVX2 __attribute__((target("avx2,fma")))
#define MLBENCH_AVX512 __attribute__((target("avx512f,avx512dq,avx2,fma")))

namespace mlbench::native {
namespace {

using workload::Memory;

/// Whether a store goes through the caches. A non-temporal one spares the read of the line that it
/// overwrites, and leaves the result out of the caches.
enum class Store { cached, non_temporal };

/// Elements before the first that lies on a multiple of `bytes`, at most n.
std::size_t lead_in(const float* y, std::size_t bytes, std::size_t n) {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(y) % bytes;
  const std::size_t elements = past == 0 ? 0 : (bytes - past) / sizeof(float);
  return elements < n ? elements : n;
}

/// Splits [0, n) into unaligned elements, whole vectors from an aligned one on, and a tail.
#define MLBENCH_SPLIT(y, n, lanes)                                 \
  const std::size_t head = lead_in(y, (lanes) * sizeof(float), n); \
  const std::size_t body_end = head + (n - head) / (lanes) * (lanes);

// ---- AVX2: 8 lanes ----

template <Store store>
MLBENCH_AVX2 inline void store8(float* y, __m256 v) {
  if constexpr (store == Store::non_temporal) {
    _mm256_stream_ps(y, v);
  } else {
    _mm256_store_ps(y, v);
  }
}

template <Store store>
MLBENCH_AVX2 void copy_avx2(const float* x, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 8)
  for (std::size_t i = 0; i < head; ++i) y[i] = -x[i];
  const __m256 sign = _mm256_set1_ps(-0.0F);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 8) {
    store8<store>(y + i, _mm256_xor_ps(_mm256_loadu_ps(x + i), sign));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = -x[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

template <Store store>
MLBENCH_AVX2 void write_avx2(float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 8)
  for (std::size_t i = 0; i < head; ++i) y[i] = Memory::kWriteValue;
  const __m256 value = _mm256_set1_ps(Memory::kWriteValue);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 8) store8<store>(y + i, value);
  for (std::size_t i = body_end; i < n; ++i) y[i] = Memory::kWriteValue;
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

template <Store store>
MLBENCH_AVX2 void triad_avx2(const float* a, const float* b, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 8)
  for (std::size_t i = 0; i < head; ++i) y[i] = a[i] + Memory::kTriadScale * b[i];
  const __m256 scale = _mm256_set1_ps(Memory::kTriadScale);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 8) {
    store8<store>(y + i, _mm256_fmadd_ps(scale, _mm256_loadu_ps(b + i), _mm256_loadu_ps(a + i)));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = a[i] + Memory::kTriadScale * b[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

MLBENCH_AVX2 inline __m256d add_as_double(__m256d total, __m256 v) {
  total = _mm256_add_pd(total, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
  return _mm256_add_pd(total, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
}

template <Store store>
MLBENCH_AVX2 void scale_avx2(const float* x, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 8)
  for (std::size_t i = 0; i < head; ++i) y[i] = Memory::kTriadScale * x[i];
  const __m256 scale = _mm256_set1_ps(Memory::kTriadScale);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 8) {
    store8<store>(y + i, _mm256_mul_ps(scale, _mm256_loadu_ps(x + i)));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = Memory::kTriadScale * x[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

template <Store store>
MLBENCH_AVX2 void add_avx2(const float* a, const float* b, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 8)
  for (std::size_t i = 0; i < head; ++i) y[i] = a[i] + b[i];
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 8) {
    store8<store>(y + i, _mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = a[i] + b[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

MLBENCH_AVX2 double sum_avx2(const float* x, std::size_t n) {
  constexpr std::size_t kStep = 64;
  double total = 0;
  std::size_t i = 0;
  __m256d totals = _mm256_setzero_pd();
  while (n - i >= kStep) {
    const std::size_t block = (n - i < kSumBlock ? n - i : kSumBlock) / kStep * kStep;
    __m256 s[8];
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) s[v] = _mm256_setzero_ps();
    for (const std::size_t end = i + block; i < end; i += kStep) {
#pragma GCC unroll 8
      for (int v = 0; v < 8; ++v) s[v] = _mm256_add_ps(s[v], _mm256_loadu_ps(x + i + 8 * v));
    }
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) totals = add_as_double(totals, s[v]);
  }
  for (; i < n; ++i) total += double{x[i]};
  alignas(32) double lanes[4];
  _mm256_store_pd(lanes, totals);
  return total + (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

// ---- AVX-512: 16 lanes ----

template <Store store>
MLBENCH_AVX512 inline void store16(float* y, __m512 v) {
  if constexpr (store == Store::non_temporal) {
    _mm512_stream_ps(y, v);
  } else {
    _mm512_store_ps(y, v);
  }
}

template <Store store>
MLBENCH_AVX512 void copy_avx512(const float* x, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 16)
  for (std::size_t i = 0; i < head; ++i) y[i] = -x[i];
  const __m512 sign = _mm512_set1_ps(-0.0F);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 16) {
    store16<store>(y + i, _mm512_xor_ps(_mm512_loadu_ps(x + i), sign));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = -x[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

template <Store store>
MLBENCH_AVX512 void write_avx512(float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 16)
  for (std::size_t i = 0; i < head; ++i) y[i] = Memory::kWriteValue;
  const __m512 value = _mm512_set1_ps(Memory::kWriteValue);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 16) store16<store>(y + i, value);
  for (std::size_t i = body_end; i < n; ++i) y[i] = Memory::kWriteValue;
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

template <Store store>
MLBENCH_AVX512 void triad_avx512(const float* a, const float* b, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 16)
  for (std::size_t i = 0; i < head; ++i) y[i] = a[i] + Memory::kTriadScale * b[i];
  const __m512 scale = _mm512_set1_ps(Memory::kTriadScale);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 16) {
    store16<store>(y + i, _mm512_fmadd_ps(scale, _mm512_loadu_ps(b + i), _mm512_loadu_ps(a + i)));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = a[i] + Memory::kTriadScale * b[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

template <Store store>
MLBENCH_AVX512 void scale_avx512(const float* x, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 16)
  for (std::size_t i = 0; i < head; ++i) y[i] = Memory::kTriadScale * x[i];
  const __m512 scale = _mm512_set1_ps(Memory::kTriadScale);
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 16) {
    store16<store>(y + i, _mm512_mul_ps(scale, _mm512_loadu_ps(x + i)));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = Memory::kTriadScale * x[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

template <Store store>
MLBENCH_AVX512 void add_avx512(const float* a, const float* b, float* y, std::size_t n) {
  MLBENCH_SPLIT(y, n, 16)
  for (std::size_t i = 0; i < head; ++i) y[i] = a[i] + b[i];
#pragma GCC unroll 4
  for (std::size_t i = head; i < body_end; i += 16) {
    store16<store>(y + i, _mm512_add_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i)));
  }
  for (std::size_t i = body_end; i < n; ++i) y[i] = a[i] + b[i];
  if constexpr (store == Store::non_temporal) _mm_sfence();
}

MLBENCH_AVX512 double sum_avx512(const float* x, std::size_t n) {
  constexpr std::size_t kStep = 128;
  double total = 0;
  std::size_t i = 0;
  __m512d totals = _mm512_setzero_pd();
  while (n - i >= kStep) {
    const std::size_t block = (n - i < kSumBlock ? n - i : kSumBlock) / kStep * kStep;
    __m512 s[8];
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) s[v] = _mm512_setzero_ps();
    for (const std::size_t end = i + block; i < end; i += kStep) {
#pragma GCC unroll 8
      for (int v = 0; v < 8; ++v) s[v] = _mm512_add_ps(s[v], _mm512_loadu_ps(x + i + 16 * v));
    }
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) {
      totals = _mm512_add_pd(totals, _mm512_cvtps_pd(_mm512_castps512_ps256(s[v])));
      totals = _mm512_add_pd(totals, _mm512_cvtps_pd(_mm512_extractf32x8_ps(s[v], 1)));
    }
  }
  for (; i < n; ++i) total += double{x[i]};
  return total + _mm512_reduce_add_pd(totals);
}

}  // namespace

void add_x86_stream_loops(std::vector<StreamLoops>& loops) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    loops.push_back({"AVX2", false, copy_avx2<Store::cached>, sum_avx2, write_avx2<Store::cached>,
                     triad_avx2<Store::cached>, scale_avx2<Store::cached>,
                     add_avx2<Store::cached>});
    loops.push_back({"AVX2, non-temporal stores", true, copy_avx2<Store::non_temporal>, sum_avx2,
                     write_avx2<Store::non_temporal>, triad_avx2<Store::non_temporal>,
                     scale_avx2<Store::non_temporal>, add_avx2<Store::non_temporal>});
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    loops.push_back({"AVX-512", false, copy_avx512<Store::cached>, sum_avx512,
                     write_avx512<Store::cached>, triad_avx512<Store::cached>,
                     scale_avx512<Store::cached>, add_avx512<Store::cached>});
    loops.push_back({"AVX-512, non-temporal stores", true, copy_avx512<Store::non_temporal>,
                     sum_avx512, write_avx512<Store::non_temporal>,
                     triad_avx512<Store::non_temporal>, scale_avx512<Store::non_temporal>,
                     add_avx512<Store::non_temporal>});
  }
}

}  // namespace mlbench::native

#else

namespace mlbench::native {
void add_x86_stream_loops(std::vector<StreamLoops>&) {}
}  // namespace mlbench::native

#endif
