#include "torch/language.hpp"

#include "kit/language_kernel.hpp"
#include "kit/memory.hpp"
#include "torch/cpu_kernels.hpp"
#include "torch/decoder_ops.hpp"
#include "torch/device.hpp"
#include "torch/tensor.hpp"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

#include <filesystem>

namespace mlbench::torch_worker {
namespace {

using model::Quantisation;

/// What PyTorch's kernel for quantised weights takes.
Status check_affine(int bits, workload::DType dtype) {
  if (bits != 4) {
    return fail(ErrorKind::unsupported, "PyTorch has no kernel for " + std::to_string(bits) +
                                            "-bit weights in groups; int8 is its 8-bit kind");
  }
  if (dtype != workload::DType::bfloat16) {
    return fail(ErrorKind::unsupported,
                "PyTorch's kernels for quantised weights are made for bfloat16");
  }
  return Done{};
}

/// A checkpoint's own kind: "4bit", "4bit-g32", "q8_0". What GGUF stores with 5 or 6 bits is
/// multiplied as numbers.
Status check_stored(const std::string& kind, workload::DType dtype) {
  const bool gguf = kind.starts_with("q");
  const int bits = std::atoi(kind.c_str() + (gguf ? 1 : 0));
  if (gguf && bits != 4 && bits != 8) return Done{};
  return check_affine(bits, dtype);
}

Status check_quantisation(const workload::LanguageCase& l, workload::DType dtype,
                          at::Device device) {
  const bool float4 = l.quant == Quantisation::mxfp4 || l.quant == Quantisation::nvfp4;
  if (float4 || l.stored == "mxfp4" || l.stored == "nvfp4") {
    return fail(ErrorKind::unsupported,
                "PyTorch has no kernel for 4-bit floats as weights alone (MXFP4, NVFP4); 4bit and "
                "int8 are its kinds");
  }
  if (!l.stored.empty()) return check_stored(l.stored, dtype);
  if (!l.quant) return Done{};
  if (l.quant != Quantisation::int8)
    return check_affine(l.quant == Quantisation::affine8 ? 8 : 4, dtype);
  if (device.is_cuda())
    return fail(ErrorKind::unsupported, "PyTorch has no int8 weight-only kernel on CUDA");
  return check_affine(4, dtype);  // the same restriction to bfloat16
}

std::string kernel_name(const workload::LanguageCase& l, at::Device device) {
  const std::string product = !l.packed                       ? "at::linear"
                              : l.quant == Quantisation::int8 ? "at::_weight_int8pack_mm"
                                                              : "at::_weight_int4pack_mm";
  const bool fused = !l.spec->maths.attention_softcap && !l.spec->shape.sinks;
  if (!fused) return product + ", attention by matmul";
  return product + ", at::scaled_dot_product_attention" +
         (device.is_cuda() ? " (single tokens without cuDNN)" : "");
}

}  // namespace

DecoderOps::Ids DecoderOps::forced(const Ids& ids, const Ids& chosen) {
  return {ids.value + chosen.value.clamp_max(0)};  // no token is below 0
}

void DecoderOps::submit(const Ids& ids, const std::vector<Cache>& caches) {
  static_cast<void>(ids), static_cast<void>(caches);  // every operation was submitted when called
}

workload::TensorData DecoderOps::to_host(const Tensor& t) {
  return torch_worker::to_host(t.value);
}

std::optional<std::int64_t> DecoderOps::peak_bytes() const {
  if (!device_.is_cuda()) return std::nullopt;  // only CUDA's allocator counts
  const auto stats = at::accelerator::getDeviceStats(device_.index());
  return stats.allocated_bytes[0].peak;
}

void DecoderOps::reset_peak() const {
  if (device_.is_cuda()) at::accelerator::resetPeakStats(device_.index());
}

Result<std::unique_ptr<kit::Kernel>> make_language_kernel(const workload::Case& c,
                                                          at::Device device, std::uint64_t seed) {
  const auto l = workload::language_case(c);
  if (auto ok = check_quantisation(l, c.dtype, device); !ok) return ok.error();
  kit::require_memory(workload::memory_bytes_of(c), kit::available_memory_bytes());
  protocol::Prepared facts;
  facts.kernel = kernel_name(l, device);
  if (device.is_cpu() && !l.packed) {
    if (auto note = slow_gemm_note(c.dtype)) facts.notes.push_back(*std::move(note));
  }
  return kit::LanguageKernel<DecoderOps>::make(c, DecoderOps(device, c.dtype), seed,
                                               std::move(facts));
}

}  // namespace mlbench::torch_worker
