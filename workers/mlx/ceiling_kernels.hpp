#pragma once

#include <string>

/// Sources of the ceiling kernels, for MLX's metal_kernel and cuda_kernel. Each thread moves 16
/// bytes at a time, or multiplies and adds in registers; ITERS is a template argument.
///
/// The CUDA sources are accepted by NVRTC; the Metal sources have not met a Metal compiler yet.
namespace mlbench::mlx_worker::kernels {

// y = x
inline constexpr const char* kMetalCopy = R"(
  const uint at = thread_position_in_grid.x;
  auto from = reinterpret_cast<const device float4*>(x);
  auto to = reinterpret_cast<device float4*>(y);
  to[at] = from[at];
)";
inline constexpr const char* kCudaCopy = R"(
  const size_t at = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  const float4* from = reinterpret_cast<const float4*>(x);
  float4* to = reinterpret_cast<float4*>(y);
  to[at] = from[at];
)";

// y = a + 3·b
inline constexpr const char* kMetalTriad = R"(
  const uint at = thread_position_in_grid.x;
  auto left = reinterpret_cast<const device float4*>(a);
  auto right = reinterpret_cast<const device float4*>(b);
  auto to = reinterpret_cast<device float4*>(y);
  to[at] = fma(float4(3.0f), right[at], left[at]);
)";
inline constexpr const char* kCudaTriad = R"(
  const size_t at = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  const float4 left = reinterpret_cast<const float4*>(a)[at];
  const float4 right = reinterpret_cast<const float4*>(b)[at];
  float4 sum;
  sum.x = fmaf(3.0f, right.x, left.x);
  sum.y = fmaf(3.0f, right.y, left.y);
  sum.z = fmaf(3.0f, right.z, left.z);
  sum.w = fmaf(3.0f, right.w, left.w);
  reinterpret_cast<float4*>(y)[at] = sum;
)";

// Sixteen independent sums a thread of v <- v/2 + 1/2, which neither grow nor vanish.
inline constexpr const char* kMetalFma = R"(
  const uint at = thread_position_in_grid.x;
  vec<T, 4> sums[4];
  for (int j = 0; j < 4; ++j) sums[j] = vec<T, 4>(T(x[j]));
  const vec<T, 4> half_(T(x[4]));
  for (int i = 0; i < ITERS; ++i)
    for (int j = 0; j < 4; ++j) sums[j] = fma(sums[j], half_, half_);
  const vec<T, 4> all = sums[0] + sums[1] + sums[2] + sums[3];
  y[at] = float(all.x + all.y + all.z + all.w);
)";
inline constexpr const char* kCudaFma = R"(
  const size_t at = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  float sums[16];
  #pragma unroll
  for (int j = 0; j < 16; ++j) sums[j] = x[j & 3];
  const float half_ = x[4];
  for (int i = 0; i < ITERS; ++i) {
    #pragma unroll
    for (int j = 0; j < 16; ++j) sums[j] = fmaf(sums[j], half_, half_);
  }
  float all = 0;
  #pragma unroll
  for (int j = 0; j < 16; ++j) all += sums[j];
  y[at] = all;
)";
/// Sums of a thread in both; a multiply-add counts 2 FLOP.
inline constexpr int kFmaSums = 16;

// Matrix units: eight independent 8 x 8 sums a SIMD group of 32 threads.
inline constexpr const char* kMetalMatrixHeader = "#include <metal_simdgroup_matrix>\n";
inline constexpr const char* kMetalMatrix = R"(
  simdgroup_matrix<T, 8, 8> left, right;
  simdgroup_load(left, x);
  simdgroup_load(right, x);
  simdgroup_matrix<float, 8, 8> sums[8];
  for (int j = 0; j < 8; ++j) sums[j] = simdgroup_matrix<float, 8, 8>(0);
  for (int i = 0; i < ITERS; ++i)
    for (int j = 0; j < 8; ++j) simdgroup_multiply_accumulate(sums[j], left, right, sums[j]);
  const uint group = thread_position_in_grid.x / 32;
  for (int j = 0; j < 8; ++j) simdgroup_store(sums[j], y + size_t(group) * 512 + j * 64);
)";
/// FLOP of one iteration of a group of 32 threads.
inline constexpr double kMetalMatrixFlop = 8 * 2.0 * 8 * 8 * 8;

/// Eight independent sums of 16 x 8 a warp, of `type` "bf16" or "f16", with float32 sums.
inline std::string cuda_matrix(const std::string& type) {
  return R"(
  const size_t at = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  const unsigned p = x[0], q = x[1];
  float sums[8][4] = {};
  for (int i = 0; i < ITERS; ++i) {
    #pragma unroll
    for (int j = 0; j < 8; ++j)
      asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.)" +
         type + "." + type + R"(.f32 "
                   "{%0,%1,%2,%3}, {%4,%4,%4,%4}, {%5,%5}, {%0,%1,%2,%3};"
                   : "+f"(sums[j][0]), "+f"(sums[j][1]), "+f"(sums[j][2]), "+f"(sums[j][3])
                   : "r"(p), "r"(q));
  }
  float all = 0;
  #pragma unroll
  for (int j = 0; j < 8; ++j) all += sums[j][0] + sums[j][1] + sums[j][2] + sums[j][3];
  y[at] = all;
)";
}
/// FLOP of one iteration of a warp of 32 threads.
inline constexpr double kCudaMatrixFlop = 8 * 2.0 * 16 * 8 * 16;

}  // namespace mlbench::mlx_worker::kernels
