#include "torch/int4.hpp"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

namespace mlbench::torch_worker {
namespace {

/// How many tiles of 16 columns the kernel takes at a time: the most that divide the columns.
std::int64_t inner_tiles(std::int64_t columns) {
  for (const std::int64_t tiles : {8, 4, 2}) {
    if (columns % (16 * tiles) == 0) return tiles;
  }
  TORCH_CHECK_NOT_IMPLEMENTED(
      false, "PyTorch's 4-bit kernel takes columns in multiples of 32, not ", columns);
}

}  // namespace

at::Tensor pack_int4(const at::Tensor& codes, at::Device device, at::ScalarType type) {
  if (device.is_cpu()) return at::_convert_weight_to_int4pack_for_cpu(codes, 8);
  // Source: aten/src/ATen/native/cuda/int4mm.cu.
  TORCH_CHECK_NOT_IMPLEMENTED(!device.is_cuda() || type == at::kBFloat16,
                              "PyTorch's 4-bit kernel for CUDA takes bfloat16 only");
  const auto tiles = inner_tiles(codes.size(1));
  const auto even = codes.slice(1, 0, std::nullopt, 2), odd = codes.slice(1, 1, std::nullopt, 2);
  const auto bytes = even.bitwise_left_shift(4).bitwise_or(odd).to(at::kByte).to(device);
  return at::_convert_weight_to_int4pack(bytes, tiles);
}

}  // namespace mlbench::torch_worker
