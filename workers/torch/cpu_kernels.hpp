#pragma once

#include "workload/dtype.hpp"

#include <optional>
#include <string>

namespace mlbench::torch_worker {

/// What decides whether PyTorch has a fast matrix product for half-precision types on a CPU.
struct CpuFeatures {
  bool x86 = false;
  bool onednn = false;  ///< This build has oneDNN (the macOS wheel has not).
  bool avx512_fp16 = false, amx_fp16 = false;
  bool avx512 = false;  ///< avx512 bw, vl and dq, which oneDNN's bfloat16 product needs.
  bool avx512_bf16 = false, amx_bf16 = false;
};
[[nodiscard]] CpuFeatures cpu_features();

/// Why a product in `dtype` on a CPU with `features` does not reach a native kernel; nullopt when
/// it does or when it is not known. From the conditions in ATen's CPUBlas.cpp and
/// native/mkldnn/Utils.h.
[[nodiscard]] std::optional<std::string> slow_gemm_note(workload::DType dtype,
                                                        const CpuFeatures& features);
[[nodiscard]] std::optional<std::string> slow_gemm_note(workload::DType dtype);

}  // namespace mlbench::torch_worker
