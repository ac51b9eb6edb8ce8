#include "mlx/operation.hpp"
#include "workload/operation.hpp"

#include <mlx/fast.h>
#include <mlx/ops.h>

#include <cmath>
#include <exception>
#include <optional>

namespace mlbench::mlx_worker {
namespace {

using Arrays = std::vector<mx::array>;

mx::array unfused(const Arrays& in, float scale) {
  mx::array q = mx::multiply(in[0], mx::array(scale, in[0].dtype())), k = in[1], v = in[2];
  const auto shape = q.shape();
  const int shared = shape[1] / k.shape(1);
  if (shared > 1) {  // heads that share keys side by side in a dimension of their own
    q = mx::reshape(q, {shape[0], k.shape(1), shared, shape[2], shape[3]});
    k = mx::expand_dims(k, 2);
    v = mx::expand_dims(v, 2);
  }
  const bool half = q.dtype() == mx::float16 || q.dtype() == mx::bfloat16;
  const auto weights = mx::softmax(mx::matmul(q, mx::swapaxes(k, -1, -2)), -1, half);
  return mx::reshape(mx::matmul(weights, v), shape);
}

/// Why MLX would not run a fused kernel for this case; empty when it does. Only an MLX that can be
/// told to fuse says so (0.32); with an older one it is not known.
template <class Array>
std::string why_not_fused(const std::vector<Array>& in, float scale, const std::string& mask) {
  constexpr bool kTells = requires {
    mx::fast::scaled_dot_product_attention(in[0], in[1], in[2], scale, mask, std::optional<Array>{},
                                           std::optional<Array>{}, true);
  };
  if constexpr (kTells) {
    try {
      static_cast<void>(
          mx::fast::scaled_dot_product_attention(in[0], in[1], in[2], scale, mask, {}, {}, true));
      return {};
    } catch (const std::exception& e) {
      const std::string text = e.what();
      return "no fused kernel here, MLX composes it of products and a softmax: " +
             text.substr(0, text.find('\n'));
    }
  } else {
    return "this MLX does not tell whether its kernel is fused here";
  }
}

}  // namespace

Result<Operation> make_attention(const workload::Case& c, Arrays inputs, mx::Device device) {
  const auto size = workload::sizes_of(*workload::find_operation(c.workload), c);
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(size[4])));
  Operation operation;
  operation.inputs = std::move(inputs);
  if (c.workload == "attention_unfused") {
    operation.facts.kernel = "mx::matmul, mx::softmax, mx::matmul";
    operation.call = [scale](const Arrays& in) { return unfused(in, scale); };
  } else {
    const std::string mask = c.workload == "attention_causal" ? "causal" : "";
    operation.facts.kernel = "mx::fast::scaled_dot_product_attention";
    operation.call = [scale, mask](const Arrays& in) {
      return mx::fast::scaled_dot_product_attention(in[0], in[1], in[2], scale, mask);
    };
    if (const auto why = why_not_fused(operation.inputs, scale, mask); !why.empty()) {
      operation.facts.notes.push_back(why);
    }
  }
  add_product_note(c.dtype, device, operation.facts);
  return operation;
}

Result<Operation> make_overhead(const workload::Case& c, Arrays inputs, mx::Device) {
  Operation operation;
  operation.inputs = std::move(inputs);
  operation.call = [](const Arrays& in) { return mx::maximum(in[0], in[1]); };
  operation.feeds_back = true;
  operation.wait_each = c.workload == "latency";
  operation.facts.kernel = "mx::maximum";
  operation.facts.notes.emplace_back(operation.wait_each
                                         ? "each call is built, evaluated and waited for"
                                         : "calls are built and evaluated up to 256 at a time");
  return operation;
}

}  // namespace mlbench::mlx_worker
