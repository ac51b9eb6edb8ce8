#include "mlx/operation.hpp"
#include "workload/operation.hpp"

#include <mlx/fast.h>
#include <mlx/ops.h>

#include <algorithm>
#include <array>

// Operations that MLX has a function for. The default device is set before a call is built.
namespace mlbench::mlx_worker {
namespace {

using Arrays = std::vector<mx::array>;
using workload::Sizes;
constexpr auto kEpsilon = static_cast<float>(workload::kNormEpsilon);

int whole(std::int64_t value) {
  return static_cast<int>(value);
}

bool is_half(const mx::array& x) {
  return x.dtype() == mx::float16 || x.dtype() == mx::bfloat16;
}

/// Updates as mx::scatter takes them: one slice of x for each index.
mx::array slices(const mx::array& updates) {
  return mx::reshape(updates, {updates.shape(0), 1, updates.shape(1)});
}

/// MLX has a function for the losses from 0.32 on; before, its Python package composes them so.
namespace losses {
using namespace mlx::core::fast;

template <class Array>
concept HasFunction = requires(const Array& a) {
  cross_entropy(a, a);
};

template <class Array>
Array cross_entropies(const Array& logits, const Array& targets) {
  if constexpr (HasFunction<Array>) {
    return cross_entropy(logits, targets);
  } else {
    const auto wide = mx::astype(logits, mx::float32);
    const auto chosen = mx::take_along_axis(wide, mx::expand_dims(targets, -1), -1);
    return mx::subtract(mx::logsumexp(wide, -1), mx::squeeze(chosen, -1));
  }
}

constexpr std::string_view kKernel =
    HasFunction<mx::array> ? "mx::fast::cross_entropy, mx::astype"
                           : "mx::logsumexp, mx::take_along_axis, mx::subtract, mx::astype";
}  // namespace losses

struct Row {
  std::string_view name, kernel;
  mx::array (*function)(const Arrays& in, const Sizes& size);
};

const std::array kRows = {
    Row{"rms_norm", "mx::fast::rms_norm",
        [](const Arrays& in, const Sizes&) { return mx::fast::rms_norm(in[0], in[1], kEpsilon); }},
    Row{"layer_norm", "mx::fast::layer_norm",
        [](const Arrays& in, const Sizes&) {
          return mx::fast::layer_norm(in[0], in[1], in[2], kEpsilon);
        }},
    Row{"softmax", "mx::softmax",
        // `precise` sums half types in float32, as the reference and PyTorch do.
        [](const Arrays& in, const Sizes&) { return mx::softmax(in[0], -1, is_half(in[0])); }},
    Row{"argmax", "mx::argmax",
        [](const Arrays& in, const Sizes&) { return mx::argmax(in[0], -1); }},
    Row{"sum_all", "mx::sum", [](const Arrays& in, const Sizes&) { return mx::sum(in[0]); }},
    Row{"sum_rows", "mx::sum", [](const Arrays& in, const Sizes&) { return mx::sum(in[0], 1); }},
    Row{"sum_columns", "mx::sum", [](const Arrays& in, const Sizes&) { return mx::sum(in[0], 0); }},
    Row{"sort", "mx::sort", [](const Arrays& in, const Sizes&) { return mx::sort(in[0], -1); }},
    // Its losses are float32 whatever the logits are.
    Row{"cross_entropy", losses::kKernel,
        [](const Arrays& in, const Sizes&) {
          return mx::astype(losses::cross_entropies(in[0], in[1]), in[0].dtype());
        }},
    Row{"rope", "mx::fast::rope",
        [](const Arrays& in, const Sizes& s) {
          return mx::fast::rope(in[0], whole(s[3]), false, static_cast<float>(workload::kRopeBase),
                                1.0F, 0);
        }},
    Row{"embedding", "mx::take",
        [](const Arrays& in, const Sizes&) { return mx::take(in[0], in[1], 0); }},
    Row{"gather", "mx::take_along_axis",
        [](const Arrays& in, const Sizes&) { return mx::take_along_axis(in[0], in[1], 1); }},
    Row{"scatter_set", "mx::scatter",
        [](const Arrays& in, const Sizes&) { return mx::scatter(in[0], in[1], slices(in[2]), 0); }},
    Row{"scatter_add", "mx::scatter_add",
        [](const Arrays& in, const Sizes&) {
          return mx::scatter_add(in[0], in[1], slices(in[2]), 0);
        }},
    Row{"scatter_max", "mx::scatter_max",
        [](const Arrays& in, const Sizes&) {
          return mx::scatter_max(in[0], in[1], slices(in[2]), 0);
        }},
    Row{"concat", "mx::concatenate",
        [](const Arrays& in, const Sizes&) {
          return mx::concatenate({in[0], in[1]}, 1);
        }},
    Row{"linear", "mx::addmm(b, x, transpose(w))",
        [](const Arrays& in, const Sizes&) {
          return mx::addmm(in[2], in[0], mx::transpose(in[1]));
        }},
    Row{"gemv", "mx::matmul(w, x)",
        [](const Arrays& in, const Sizes&) { return mx::matmul(in[0], in[1]); }},
    Row{"batched_matmul", "mx::matmul",
        [](const Arrays& in, const Sizes&) { return mx::matmul(in[0], in[1]); }},
    Row{"conv1d", "mx::conv1d",
        [](const Arrays& in, const Sizes& s) {
          return mx::conv1d(in[0], in[1], 1, whole(s[4] / 2));
        }},
    Row{"conv2d", "mx::conv2d",
        [](const Arrays& in, const Sizes& s) {
          const int padding = whole(s[5] / 2);
          return mx::conv2d(in[0], in[1], {1, 1}, {padding, padding});
        }},
};

}  // namespace

Result<Operation> make_function(const workload::Case& c, Arrays inputs, mx::Device device) {
  const Row& row =
      *std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == c.workload; });
  Operation operation;
  operation.inputs = std::move(inputs);
  operation.facts.kernel = row.kernel;
  const Sizes size = workload::sizes_of(*workload::find_operation(c.workload), c);
  operation.call = [function = row.function, size](const Arrays& in) { return function(in, size); };
  if (c.workload == "argmax") {
    operation.read = [](const mx::array& y) { return mx::astype(y, mx::int32); };
  }
  const bool product =
      c.workload == "linear" || c.workload == "gemv" || c.workload == "batched_matmul";
  if (product) add_product_note(c.dtype, device, operation.facts);
  return operation;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace mlbench::mlx_worker
