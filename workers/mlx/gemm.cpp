#include "kit/bound_blas.hpp"
#include "mlx/operation.hpp"

#include <mlx/ops.h>

namespace mlbench::mlx_worker {
namespace {

/// MLX's CPU products of half types go to Accelerate's BNNS; built against any other BLAS they run
/// in MLX's own loop on one thread (mlx/backend/cpu/gemms).
bool runs_own_loop(workload::DType dtype, mx::Device device) {
  const bool half = dtype == workload::DType::float16 || dtype == workload::DType::bfloat16;
  return half && device == mx::Device::cpu && kit::bound_blas().at("library") != "Accelerate";
}

}  // namespace

void add_product_note(workload::DType dtype, mx::Device device, protocol::Prepared& facts) {
  if (!runs_own_loop(dtype, device)) return;
  facts.notes.push_back("no BLAS for " + std::string(name_of(dtype)) +
                        ": MLX's own loop runs on one thread");
}

Result<Operation> make_gemm(const workload::Case& c, std::vector<mx::array> inputs,
                            mx::Device device) {
  Operation operation;
  operation.facts.kernel = "mx::matmul(x, transpose(w))";
  add_product_note(c.dtype, device, operation.facts);
  operation.inputs = std::move(inputs);
  operation.call = [device](const std::vector<mx::array>& in) {
    return mx::matmul(in[0], mx::transpose(in[1], device), device);
  };
  return operation;
}

}  // namespace mlbench::mlx_worker
