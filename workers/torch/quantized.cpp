#include "torch/int4.hpp"
#include "torch/operation.hpp"
#include "workload/operation.hpp"

#include <ATen/ATen.h>

#include <sstream>

// PyTorch's weight-only kernels. They are internal functions (torchao and the int4/int8 modules of
// PyTorch call them), and the only ones that LibTorch has.
namespace mlbench::torch_worker {
namespace {

std::string bits_note(double bits, std::int64_t group) {
  std::ostringstream text;
  text << "keeps " << bits << " bits a weight: a scale"
       << (group > 0 ? " and a zero for each " : " for each row");
  if (group > 0) text << group;
  return text.str();
}

Operation int4(const std::vector<at::Tensor>& in, std::int64_t group, at::Device device) {
  // ŵ = (q - 8)·scale + zero, scales and zeros [k/group, n, 2].
  const auto scales = in[2].t().contiguous();
  const auto scales_and_zeros = at::stack({scales, at::zeros_like(scales)}, -1).contiguous();
  const double bits =
      4 + 2 * 8.0 * static_cast<double>(in[2].element_size()) / static_cast<double>(group);
  Operation operation;
  operation.facts.notes.push_back(bits_note(bits, group));
  const auto packed = pack_int4(in[1].cpu(), device, in[0].scalar_type());
  if (device.is_cpu()) {
    operation.facts.kernel = "at::_weight_int4pack_mm_for_cpu";
    operation.call = [x = in[0], packed, group, scales_and_zeros] {
      return at::_weight_int4pack_mm_for_cpu(x, packed, group, scales_and_zeros);
    };
    return operation;
  }
  operation.facts.kernel = "at::_weight_int4pack_mm";
  operation.call = [x = in[0], packed, group, scales_and_zeros] {
    return at::_weight_int4pack_mm(x, packed, group, scales_and_zeros);
  };
  return operation;
}

Operation int8(const std::vector<at::Tensor>& in) {
  const auto weights = in[1].sub(128).to(at::kChar).contiguous();
  const auto scales = in[2].select(1, 0).contiguous();
  const double bits =
      8 + 8.0 * static_cast<double>(in[2].element_size()) / static_cast<double>(in[1].size(1));
  Operation operation;
  operation.facts = {.kernel = "at::_weight_int8pack_mm", .notes = {bits_note(bits, 0)}};
  operation.call = [x = in[0], weights, scales] {
    return at::_weight_int8pack_mm(x, weights, scales);
  };
  return operation;
}

}  // namespace

Result<Operation> make_quantized(const workload::Case& c, const std::vector<at::Tensor>& inputs,
                                 at::Device device) {
  const auto size = workload::sizes_of(*workload::find_operation(c.workload), c);
  if (size[0] == 8 && size[1] != size[4])
    return fail(ErrorKind::unsupported,
                "PyTorch's 8-bit kernel has one scale for each row of the weights");
  auto operation = size[0] == 4 ? int4(inputs, size[1], device) : int8(inputs);
  if (device.is_cpu() && c.dtype != workload::DType::bfloat16) {
    operation.facts.notes.push_back("PyTorch's CPU kernel for " + std::string(name_of(c.dtype)) +
                                    " is a scalar loop");
  }
  return operation;
}

}  // namespace mlbench::torch_worker
