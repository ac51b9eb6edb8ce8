#include "kit/openblas_kernels.hpp"

#include <doctest/doctest.h>

using namespace mlbench;

TEST_CASE("kernels that OpenBLAS chose for a CPU it knows stand") {
  CHECK_FALSE(kit::better_openblas_kernels(std::nullopt));
  CHECK_FALSE(kit::better_openblas_kernels("Haswell"));
  CHECK_FALSE(kit::better_openblas_kernels("neoversen1"));
  CHECK_FALSE(kit::replaced_openblas_kernels());
}

#if defined(__x86_64__) && defined(__linux__)
TEST_CASE("kernels from before AVX are replaced where the CPU has it") {
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  CHECK(kit::better_openblas_kernels("Prescott").has_value() == has_avx2);
}
#endif
