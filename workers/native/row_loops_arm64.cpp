#include "native/products.hpp"

#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstring>

namespace mlbench::native {
namespace {

#define MLBENCH_TARGET
using Data = float32x4_t;
using Sums = float32x4_t;
constexpr std::size_t kLanes = 4;
constexpr std::size_t kRows = 4, kColumns = 4;
inline Sums zero() {
  return vdupq_n_f32(0);
}
inline Sums add_product(Sums sums, Data a, Data b) {
  return vfmaq_f32(sums, a, b);
}
inline float total(Sums s) {
  return vaddvq_f32(s);
}

namespace float32 {
using Element = float;
inline Data load(const Element* p) {
  return vld1q_f32(p);
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
inline Data load(const Element* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
inline float widen(Element v) {
  return workload::half_to_float(v);
}
inline Element round(float v) {
  return workload::float_to_half(v);
}
#include "native/row_loops.inc"
}  // namespace float16

namespace bfloat16 {
using Element = std::uint16_t;
inline Data load(const Element* p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
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

}  // namespace

void add_arm64_row_loops(std::vector<RowLoops>& loops) {
  using workload::DType;
  loops.push_back({"row loops, NEON", DType::float32, float32::columns});
  loops.push_back({"row loops, NEON", DType::float16, float16::columns});
  loops.push_back({"row loops, NEON", DType::bfloat16, bfloat16::columns});
}

}  // namespace mlbench::native

#else

namespace mlbench::native {
void add_arm64_row_loops(std::vector<RowLoops>&) {}
}  // namespace mlbench::native

#endif
