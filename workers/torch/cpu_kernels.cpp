#include "torch/cpu_kernels.hpp"

#include <ATen/Context.h>
#include <ATen/cpu/Utils.h>

namespace mlbench::torch_worker {
namespace {

using workload::DType;

std::string why_slow(DType dtype, const std::string& reason) {
  return "no native " + std::string(name_of(dtype)) + " kernel on this CPU: " + reason +
         ", so PyTorch's own loop runs";
}

}  // namespace

CpuFeatures cpu_features() {
  const auto all = at::cpu::get_cpu_capabilities();
  const auto has = [&](const char* name) {
    const auto it = all.find(name);
    return it != all.end() && it->second.isBool() && it->second.toBool();
  };
  CpuFeatures features;
  const auto architecture = all.find("architecture");
  features.x86 = architecture != all.end() && architecture->second.isString() &&
                 architecture->second.toStringRef() == "x86_64";
  features.onednn = at::hasMKLDNN();
  features.avx512_fp16 = has("avx512_fp16");
  features.amx_fp16 = has("amx_fp16");
  features.avx512 = has("avx512_bw") && has("avx512_vl") && has("avx512_dq");
  features.avx512_bf16 = has("avx512_bf16");
  features.amx_bf16 = has("amx_bf16");
  return features;
}

std::optional<std::string> slow_gemm_note(DType dtype, const CpuFeatures& features) {
  const bool half = dtype == DType::float16;
  if (!half && dtype != DType::bfloat16) return std::nullopt;
  if (!features.onednn) return why_slow(dtype, "this PyTorch build has no oneDNN");
  if (!features.x86) return std::nullopt;
  if (half && !features.avx512_fp16 && !features.amx_fp16) {
    return why_slow(dtype, "it has neither avx512_fp16 nor amx_fp16");
  }
  if (!half && !features.avx512) return why_slow(dtype, "it has no avx512");
  if (!half && !features.avx512_bf16 && !features.amx_bf16) {
    return "no native bfloat16 instruction on this CPU: oneDNN computes in float32";
  }
  return std::nullopt;
}

std::optional<std::string> slow_gemm_note(DType dtype) {
  return slow_gemm_note(dtype, cpu_features());
}

}  // namespace mlbench::torch_worker
