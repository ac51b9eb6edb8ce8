#include "native/products.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

// As in stream_x86.cpp, each function names its instructions and the CPU is asked before use.

namespace mlbench::native {
namespace {

namespace avx2 {
#define MLBENCH_TARGET __attribute__((target("avx2,fma,f16c")))
using Data = __m256;
using Sums = __m256;
constexpr std::size_t kLanes = 8;
constexpr std::size_t kRows = 4, kColumns = 2;
MLBENCH_TARGET inline Sums zero() {
  return _mm256_setzero_ps();
}
MLBENCH_TARGET inline Sums add_product(Sums sums, Data a, Data b) {
  return _mm256_fmadd_ps(a, b, sums);
}
MLBENCH_TARGET inline float total(Sums s) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

namespace float32 {
using Element = float;
MLBENCH_TARGET inline Data load(const Element* p) {
  return _mm256_loadu_ps(p);
}
inline float widen(Element v) {
  return v;
}
inline Element round(float v) {
  return v;
}
#include "native/row_loops.inc"
}  // namespace float32

namespace float16 {
using Element = std::uint16_t;
MLBENCH_TARGET inline Data load(const Element* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MLBENCH_TARGET inline float widen(Element v) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(v)));
}
MLBENCH_TARGET inline Element round(float v) {
  return static_cast<Element>(
      _mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(v), _MM_FROUND_TO_NEAREST_INT)));
}
#include "native/row_loops.inc"
}  // namespace float16

namespace bfloat16 {
using Element = std::uint16_t;
MLBENCH_TARGET inline Data load(const Element* p) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline float widen(Element v) {
  return workload::bfloat16_to_float(v);
}
inline Element round(float v) {
  return workload::float_to_bfloat16(v);
}
#include "native/row_loops.inc"
}  // namespace bfloat16
#undef MLBENCH_TARGET
}  // namespace avx2

namespace avx512 {
#define MLBENCH_TARGET __attribute__((target("avx512f,avx2,fma,f16c")))
using Data = __m512;
using Sums = __m512;
constexpr std::size_t kLanes = 16;
constexpr std::size_t kRows = 8, kColumns = 3;
MLBENCH_TARGET inline Sums zero() {
  return _mm512_setzero_ps();
}
MLBENCH_TARGET inline Sums add_product(Sums sums, Data a, Data b) {
  return _mm512_fmadd_ps(a, b, sums);
}
MLBENCH_TARGET inline float total(Sums s) {
  return _mm512_reduce_add_ps(s);
}

namespace float32 {
using Element = float;
MLBENCH_TARGET inline Data load(const Element* p) {
  return _mm512_loadu_ps(p);
}
inline float widen(Element v) {
  return v;
}
inline Element round(float v) {
  return v;
}
#include "native/row_loops.inc"
}  // namespace float32

namespace float16 {
using Element = std::uint16_t;
MLBENCH_TARGET inline Data load(const Element* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MLBENCH_TARGET inline float widen(Element v) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(v)));
}
MLBENCH_TARGET inline Element round(float v) {
  return static_cast<Element>(
      _mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(v), _MM_FROUND_TO_NEAREST_INT)));
}
#include "native/row_loops.inc"
}  // namespace float16
#undef MLBENCH_TARGET
}  // namespace avx512

namespace avx512_bf16 {
#define MLBENCH_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
using Element = std::uint16_t;
using Data = __m512bh;
using Sums = __m512;
constexpr std::size_t kLanes = 32;
constexpr std::size_t kRows = 8, kColumns = 3;
MLBENCH_TARGET inline Sums zero() {
  return _mm512_setzero_ps();
}
MLBENCH_TARGET inline Data load(const Element* p) {
  return reinterpret_cast<Data>(_mm512_loadu_si512(p));
}
MLBENCH_TARGET inline Sums add_product(Sums sums, Data a, Data b) {
  return _mm512_dpbf16_ps(sums, a, b);
}
MLBENCH_TARGET inline float total(Sums s) {
  return _mm512_reduce_add_ps(s);
}
inline float widen(Element v) {
  return workload::bfloat16_to_float(v);
}
MLBENCH_TARGET inline Element round(float v) {
  const auto rounded = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_set1_ps(v)));
  return static_cast<Element>(_mm_cvtsi128_si32(_mm256_castsi256_si128(rounded)));
}
#include "native/row_loops.inc"
#undef MLBENCH_TARGET
}  // namespace avx512_bf16

}  // namespace

void add_x86_row_loops(std::vector<RowLoops>& loops) {
  using workload::DType;
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f");
  if (has_avx512 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    loops.push_back({"row loops, AVX512-BF16", DType::bfloat16, avx512_bf16::columns});
  }
  if (has_avx512) {
    loops.push_back({"row loops, AVX-512", DType::float32, avx512::float32::columns});
    loops.push_back({"row loops, AVX-512", DType::float16, avx512::float16::columns});
  }
  if (has_avx2) {  // every CPU with AVX2 and FMA converts float16 too
    loops.push_back({"row loops, AVX2", DType::float32, avx2::float32::columns});
    loops.push_back({"row loops, AVX2", DType::float16, avx2::float16::columns});
    loops.push_back({"row loops, AVX2", DType::bfloat16, avx2::bfloat16::columns});
  }
}

}  // namespace mlbench::native

#else

namespace mlbench::native {
void add_x86_row_loops(std::vector<RowLoops>&) {}
}  // namespace mlbench::native

#endif
