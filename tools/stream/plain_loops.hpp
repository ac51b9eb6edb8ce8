#pragma once

#include <cstddef>

/// Loops as a textbook writes them, shared among threads by OpenMP: what the native worker's loops
/// have to match. The kernels are those of STREAM (J. McCalpin, "Memory bandwidth and machine
/// balance in current high performance computers", 1995), over float32, and a sum and a fill.
namespace mlbench::stream {

void set_threads(int threads);

/// Writes all of the arrays, so that each page lies with the thread that will use it.
void touch(float* a, float* b, float* c, std::size_t n);

void copy(const float* a, float* c, std::size_t n);                   ///< c = a
float read(const float* a, std::size_t n);                            ///< the sum of a
void write(float* c, std::size_t n);                                  ///< c = 0.75
void triad(const float* a, const float* b, float* c, std::size_t n);  ///< c = a + 3·b
void scale(const float* a, float* c, std::size_t n);                  ///< c = 3·a
void add(const float* a, const float* b, float* c, std::size_t n);    ///< c = a + b

}  // namespace mlbench::stream
