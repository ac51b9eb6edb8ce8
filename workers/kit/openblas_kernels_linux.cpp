#include "kit/openblas_kernels.hpp"

#include <errno.h>
#include <unistd.h>

#include <cstdlib>

namespace mlbench::kit {
namespace {

constexpr const char* kReplaced = "MLBENCH_REPLACED_OPENBLAS_CORE";

}  // namespace

std::optional<std::string> better_openblas_kernels(const std::optional<std::string>& core) {
  if (core != "Prescott") return std::nullopt;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return std::nullopt;
}

void insist_on_openblas_kernels(const std::optional<std::string>& core) {
  const auto better = better_openblas_kernels(core);
  if (!better || std::getenv("OPENBLAS_CORETYPE") != nullptr) return;
  setenv("OPENBLAS_CORETYPE", better->c_str(), /*replace=*/1);
  setenv(kReplaced, core->c_str(), /*replace=*/1);
  char* arguments[] = {program_invocation_name, nullptr};
  execv("/proc/self/exe", arguments);
  // Only without /proc: go on with what OpenBLAS chose, which the report doubts.
  unsetenv("OPENBLAS_CORETYPE");
  unsetenv(kReplaced);
}

std::optional<std::string> replaced_openblas_kernels() {
  const char* core = std::getenv(kReplaced);
  return core == nullptr ? std::nullopt : std::optional<std::string>(core);
}

}  // namespace mlbench::kit
