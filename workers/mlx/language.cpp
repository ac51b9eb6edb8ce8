#include "mlx/language.hpp"

#include "kit/bound_blas.hpp"
#include "kit/language_kernel.hpp"
#include "kit/memory.hpp"
#include "mlx/array.hpp"
#include "mlx/decoder_ops.hpp"

#include <mlx/memory.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

namespace mlbench::mlx_worker {
namespace {

using model::Quantisation;

std::string kernel_name(const workload::LanguageCase& l) {
  const std::string product = l.packed ? "mx::quantized_matmul" : "mx::matmul";
  return product + (l.spec->maths.attention_softcap ? ", attention by matmul"
                                                    : ", mx::fast::scaled_dot_product_attention");
}

}  // namespace

DecoderOps::Ids DecoderOps::forced(const Ids& ids, const Ids& chosen) {
  const auto none = mx::minimum(chosen.value, mx::array(0));
  return {mx::add(ids.value, none)};  // no token is below 0
}

void DecoderOps::submit(const Ids& ids, const std::vector<Cache>& caches) {
  static_cast<void>(caches);  // the logits need the caches of this step
  mx::async_eval(ids.value);
}

void DecoderOps::settle(const std::vector<Cache>& caches) {
  std::vector<mx::array> all;
  for (const Cache& c : caches) all.push_back(c.keys), all.push_back(c.values);
  mx::eval(all);
}

workload::TensorData DecoderOps::to_host(const Tensor& t) {
  return mlx_worker::to_host(*t);
}

DecoderOps::Tensor DecoderOps::kept(Tensor t) {
  mx::array copy = mx::contiguous(*t);
  mx::eval(copy);
  return Tensor(copy);
}

std::optional<std::int64_t> DecoderOps::peak_bytes() {
  return static_cast<std::int64_t>(mx::get_peak_memory());
}

void DecoderOps::reset_peak() {
  mx::reset_peak_memory();
}

Result<std::unique_ptr<kit::Kernel>> make_language_kernel(const workload::Case& c,
                                                          mx::Device device, std::uint64_t seed) {
  const auto l = workload::language_case(c);
  if (l.quant == Quantisation::int8) {
    return fail(ErrorKind::unsupported,
                "MLX has no kernel for int8 weights with one scale a row; 8bit is its kind");
  }
  const bool on_cpu = device == mx::Device::cpu;
  if (on_cpu && l.spec->shape.is_mixture() && !l.packed && c.dtype != workload::DType::float32) {
    return fail(ErrorKind::unsupported,
                "MLX's product with chosen experts (gather_mm) knows only float32 on the CPU");
  }
  kit::require_memory(workload::memory_bytes_of(c), kit::available_memory_bytes());
  protocol::Prepared facts;
  facts.kernel = kernel_name(l);
  const bool half = c.dtype != workload::DType::float32;
  if (half && on_cpu && kit::bound_blas().at("library") != "Accelerate")
    facts.notes.emplace_back("no BLAS for half types: MLX's own loop runs on one thread");
  mx::set_default_device(device);
  return kit::LanguageKernel<DecoderOps>::make(c, DecoderOps(c.dtype, device), seed,
                                               std::move(facts));
}

}  // namespace mlbench::mlx_worker
