#include "native/products.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

namespace mlbench::native {
namespace {

namespace float32 {
#define MLBENCH_TARGET __attribute__((target("avx512f")))
using Element = float;
constexpr std::size_t kPerUnit = 1;
MLBENCH_TARGET inline __m512i load_units(const Element* p, std::size_t count) {
  const auto mask = static_cast<__mmask16>(count >= 16 ? 0xFFFFU : (1U << count) - 1);
  return _mm512_maskz_loadu_epi32(mask, p);
}
MLBENCH_TARGET inline __m512 add_product(__m512 sums, __m512i w, __m512i x) {
  return _mm512_fmadd_ps(_mm512_castsi512_ps(w), _mm512_castsi512_ps(x), sums);
}
MLBENCH_TARGET inline void round_to(Element* y, __m512 sums, __mmask16 mask) {
  _mm512_mask_storeu_ps(y, mask, sums);
}
#include "native/packed_loops.inc"
#undef MLBENCH_TARGET
}  // namespace float32

/// Multiplied and added in float32: CPUs with float16 arithmetic are rarer than the need.
namespace float16 {
#define MLBENCH_TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
using Element = std::uint16_t;
constexpr std::size_t kPerUnit = 1;
MLBENCH_TARGET inline __m512i load_units(const Element* p, std::size_t count) {
  const auto mask = static_cast<__mmask16>(count >= 16 ? 0xFFFFU : (1U << count) - 1);
  return _mm512_castps_si512(_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p)));
}
MLBENCH_TARGET inline __m512 add_product(__m512 sums, __m512i w, __m512i x) {
  return _mm512_fmadd_ps(_mm512_castsi512_ps(w), _mm512_castsi512_ps(x), sums);
}
MLBENCH_TARGET inline void round_to(Element* y, __m512 sums, __mmask16 mask) {
  _mm256_mask_storeu_epi16(y, mask,
                           _mm512_cvtps_ph(sums, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#include "native/packed_loops.inc"
#undef MLBENCH_TARGET
}  // namespace float16

namespace bfloat16 {
#define MLBENCH_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
using Element = std::uint16_t;
constexpr std::size_t kPerUnit = 2;
MLBENCH_TARGET inline __m512i load_units(const Element* p, std::size_t count) {
  const auto mask = static_cast<__mmask32>(count >= 32 ? 0xFFFFFFFFU : (1U << count) - 1);
  return _mm512_maskz_loadu_epi16(mask, p);
}
MLBENCH_TARGET inline __m512 add_product(__m512 sums, __m512i w, __m512i x) {
  return _mm512_dpbf16_ps(sums, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
}
MLBENCH_TARGET inline void round_to(Element* y, __m512 sums, __mmask16 mask) {
  _mm256_mask_storeu_epi16(y, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(sums)));
}
#include "native/packed_loops.inc"
#undef MLBENCH_TARGET
}  // namespace bfloat16

}  // namespace

void add_x86_packed_loops(std::vector<PackedLoops>& loops) {
  using workload::DType;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512f")) return;
  loops.push_back({"packed loops, AVX-512", DType::float32, float32::kPerUnit, float32::pack,
                   float32::multiply, float32::store});
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")) return;
  loops.push_back({"packed loops, AVX-512 (float32 arithmetic)", DType::float16, float16::kPerUnit,
                   float16::pack, float16::multiply, float16::store});
  if (!__builtin_cpu_supports("avx512bf16")) return;
  loops.push_back({"packed loops, AVX512-BF16", DType::bfloat16, bfloat16::kPerUnit, bfloat16::pack,
                   bfloat16::multiply, bfloat16::store});
}

}  // namespace mlbench::native

#else

namespace mlbench::native {
void add_x86_packed_loops(std::vector<PackedLoops>&) {}
}  // namespace mlbench::native

#endif
