#include "plain_loops.hpp"

#include <omp.h>

namespace mlbench::stream {

void set_threads(int threads) {
  omp_set_num_threads(threads);
}

void touch(float* a, float* b, float* c, std::size_t n) {
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < n; ++i) {
    a[i] = 1.0F;
    b[i] = 2.0F;
    c[i] = 0.0F;
  }
}

void copy(const float* __restrict a, float* __restrict c, std::size_t n) {
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < n; ++i) c[i] = a[i];
}

float read(const float* a, std::size_t n) {
  float sum = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += a[i];
  return sum;
}

void write(float* c, std::size_t n) {
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < n; ++i) c[i] = 0.75F;
}

void triad(const float* __restrict a, const float* __restrict b, float* __restrict c,
           std::size_t n) {
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < n; ++i) c[i] = a[i] + 3.0F * b[i];
}

void scale(const float* __restrict a, float* __restrict c, std::size_t n) {
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < n; ++i) c[i] = 3.0F * a[i];
}

void add(const float* __restrict a, const float* __restrict b, float* __restrict c, std::size_t n) {
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < n; ++i) c[i] = a[i] + b[i];
}

}  // namespace mlbench::stream
