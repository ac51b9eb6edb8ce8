#include "mlx/operation.hpp"
#include "workload/operation.hpp"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <numeric>
#include <sstream>

namespace mlbench::mlx_worker {
namespace {

/// Codes as MLX keeps them: 32/bits in a word, the first in the lowest bits.
mx::array packed(const mx::array& codes, int bits) {
  const int per_word = 32 / bits;
  std::vector<std::uint32_t> places(static_cast<std::size_t>(per_word));
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i] = static_cast<std::uint32_t>(bits) * static_cast<std::uint32_t>(i);
  const auto words = mx::reshape(mx::astype(codes, mx::uint32),
                                 {codes.shape(0), codes.shape(1) / per_word, per_word});
  return mx::sum(mx::left_shift(words, mx::array(places.data(), {per_word}, mx::uint32)), -1);
}

}  // namespace

Result<Operation> make_quantized(const workload::Case& c, std::vector<mx::array> inputs,
                                 mx::Device) {
  const auto size = workload::sizes_of(*workload::find_operation(c.workload), c);
  const int bits = static_cast<int>(size[0]);
  int group = static_cast<int>(size[1]);
  mx::array scales = inputs[2];
  if (group > 128 && group % 128 == 0) {  // the same scale for each part of a larger group
    scales = mx::repeat(scales, group / 128, 1);
    group = 128;
  }
  if (group != 32 && group != 64 && group != 128) {
    return fail(ErrorKind::unsupported,
                "MLX quantises in groups of 32, 64 or 128, not " + std::to_string(group));
  }
  const auto middle = static_cast<float>(1 << (bits - 1));
  mx::array biases = mx::multiply(scales, mx::array(-middle, scales.dtype()));
  mx::array x = inputs[0];
  mx::array q = packed(inputs[1], bits);
  mx::eval(x, q, scales, biases);

  Operation operation;
  std::ostringstream kept;
  kept << "keeps " << bits + 2 * 8.0 * static_cast<double>(scales.itemsize()) / group
       << " bits a weight: a scale and a bias for each " << group;
  operation.facts = {.kernel = "mx::quantized_matmul", .notes = {kept.str()}};
  operation.inputs = {x, q, scales, biases};
  operation.call = [bits, group](const std::vector<mx::array>& in) {
    return mx::quantized_matmul(in[0], in[1], in[2], in[3], true, group, bits);
  };
  return operation;
}

}  // namespace mlbench::mlx_worker
