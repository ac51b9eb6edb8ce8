#include "torch/cpu_kernels.hpp"
#include "torch/operation.hpp"
#include "workload/operation.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

// Operations that PyTorch has a function for, as torch.nn.functional calls them.
namespace mlbench::torch_worker {
namespace {

using Tensors = std::vector<at::Tensor>;
using workload::Sizes;

/// The layout and the index type that PyTorch asks for are made once, while the case is prepared.
void to_int64(Tensors& in, const Sizes&) {
  in[1] = in[1].to(at::kLong);
}
void as_convolution1d(Tensors& in, const Sizes&) {
  for (auto& t : in) t = t.permute({0, 2, 1}).contiguous();
}
/// Channels stay where they are: PyTorch calls that the channels-last memory format.
void as_convolution2d(Tensors& in, const Sizes&) {
  for (auto& t : in) t = t.permute({0, 3, 1, 2});
}

/// cos and sin of every angle, as models keep them.
void add_rope_tables(Tensors& in, const Sizes& s) {
  const auto float32 = at::TensorOptions().dtype(at::kFloat);
  const auto frequency =
      at::pow(workload::kRopeBase, at::arange(0, s[3], 2, float32) / -static_cast<double>(s[3]));
  auto angle = at::outer(at::arange(s[2], float32), frequency);
  angle = at::cat({angle, angle}, -1);
  in.push_back(at::cos(angle).to(in[0].options()));
  in.push_back(at::sin(angle).to(in[0].options()));
}

at::Tensor rope(const Tensors& in) {
  const auto half = in[0].size(-1) / 2;
  const auto rotated = at::cat({-in[0].narrow(-1, half, half), in[0].narrow(-1, 0, half)}, -1);
  return at::addcmul(at::mul(in[0], in[1]), rotated, in[2]);
}

at::Tensor chain(const Tensors& in) {
  at::Tensor y = in[0];
  for (const double c : workload::kChainConstants) y = at::add(at::mul(y, in[0]), c);
  return y;
}

at::Tensor to_int32(const at::Tensor& y) {
  return y.to(at::kInt);
}
at::Tensor channels_last1d(const at::Tensor& y) {
  return y.permute({0, 2, 1});
}
at::Tensor channels_last2d(const at::Tensor& y) {
  return y.permute({0, 2, 3, 1});
}

struct Row {
  std::string_view name, kernel;
  at::Tensor (*call)(const Tensors& in, const Sizes& size);
  void (*prepare)(Tensors& in, const Sizes& size) = nullptr;
  at::Tensor (*read)(const at::Tensor& y) = nullptr;
  std::string_view note = {};
};

const std::array kRows = {
    Row{"relu", "at::relu", [](const Tensors& in, const Sizes&) { return at::relu(in[0]); }},
    Row{"leaky_relu", "at::leaky_relu",
        [](const Tensors& in, const Sizes&) { return at::leaky_relu(in[0], 0.01); }},
    Row{"relu6", "at::hardtanh",
        [](const Tensors& in, const Sizes&) { return at::hardtanh(in[0], 0, 6); }},
    Row{"elu", "at::elu", [](const Tensors& in, const Sizes&) { return at::elu(in[0]); }},
    Row{"sigmoid", "at::sigmoid",
        [](const Tensors& in, const Sizes&) { return at::sigmoid(in[0]); }},
    Row{"silu", "at::silu", [](const Tensors& in, const Sizes&) { return at::silu(in[0]); }},
    Row{"gelu", "at::gelu", [](const Tensors& in, const Sizes&) { return at::gelu(in[0]); }},
    Row{"softplus", "at::softplus",
        [](const Tensors& in, const Sizes&) { return at::softplus(in[0]); }},
    Row{"chain_eager", "4 x (at::mul, at::add)",
        [](const Tensors& in, const Sizes&) { return chain(in); }},
    Row{"rms_norm", "at::rms_norm",
        [](const Tensors& in, const Sizes& s) {
          return at::rms_norm(in[0], {s[1]}, in[1], workload::kNormEpsilon);
        }},
    Row{"layer_norm", "at::layer_norm",
        [](const Tensors& in, const Sizes& s) {
          return at::layer_norm(in[0], {s[1]}, in[1], in[2], workload::kNormEpsilon);
        }},
    Row{"softmax", "at::softmax",
        [](const Tensors& in, const Sizes&) { return at::softmax(in[0], -1); }},
    Row{"argmax", "at::argmax",
        [](const Tensors& in, const Sizes&) { return at::argmax(in[0], -1); }, nullptr, to_int32},
    Row{"sum_all", "at::sum", [](const Tensors& in, const Sizes&) { return at::sum(in[0]); }},
    Row{"sum_rows", "at::sum", [](const Tensors& in, const Sizes&) { return at::sum(in[0], {1}); }},
    Row{"sum_columns", "at::sum",
        [](const Tensors& in, const Sizes&) { return at::sum(in[0], {0}); }},
    Row{"sort", "at::sort",
        [](const Tensors& in, const Sizes&) { return std::get<0>(at::sort(in[0], -1)); }, nullptr,
        nullptr, "PyTorch's sort returns the places as well as the values"},
    Row{"cross_entropy", "at::cross_entropy_loss",
        [](const Tensors& in, const Sizes&) {
          return at::cross_entropy_loss(in[0], in[1], {}, at::Reduction::None);
        },
        to_int64},
    Row{"rope", "x*cos + rotate(x)*sin", [](const Tensors& in, const Sizes&) { return rope(in); },
        add_rope_tables, nullptr,
        "PyTorch has no operation for it: five elementwise ones, angles from tables"},
    Row{"embedding", "at::embedding",
        [](const Tensors& in, const Sizes&) { return at::embedding(in[0], in[1]); }},
    Row{"gather", "at::gather",
        [](const Tensors& in, const Sizes&) { return at::gather(in[0], 1, in[1]); }, to_int64},
    Row{"scatter_set", "at::index_copy",
        [](const Tensors& in, const Sizes&) { return at::index_copy(in[0], 0, in[1], in[2]); },
        to_int64},
    Row{"scatter_add", "at::index_add",
        [](const Tensors& in, const Sizes&) { return at::index_add(in[0], 0, in[1], in[2]); },
        to_int64},
    Row{"scatter_max", "at::index_reduce(amax)",
        [](const Tensors& in, const Sizes&) {
          return at::index_reduce(in[0], 0, in[1], in[2], "amax");
        },
        to_int64},
    Row{"concat", "at::cat",
        [](const Tensors& in, const Sizes&) {
          return at::cat({in[0], in[1]}, 1);
        }},
    Row{"linear", "at::linear",
        [](const Tensors& in, const Sizes&) { return at::linear(in[0], in[1], in[2]); }},
    Row{"gemv", "at::mv", [](const Tensors& in, const Sizes&) { return at::mv(in[0], in[1]); }},
    Row{"batched_matmul", "at::bmm",
        [](const Tensors& in, const Sizes&) { return at::bmm(in[0], in[1]); }},
    Row{"conv1d", "at::conv1d",
        [](const Tensors& in, const Sizes& s) { return at::conv1d(in[0], in[1], {}, 1, s[4] / 2); },
        as_convolution1d, channels_last1d},
    Row{"conv2d", "at::conv2d",
        [](const Tensors& in, const Sizes& s) { return at::conv2d(in[0], in[1], {}, 1, s[5] / 2); },
        as_convolution2d, channels_last2d},
};

}  // namespace

Result<Operation> make_function(const workload::Case& c, const Tensors& inputs, at::Device device) {
  const Row& row =
      *std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == c.workload; });
  const Sizes size = workload::sizes_of(*workload::find_operation(c.workload), c);
  Tensors in = inputs;
  if (row.prepare != nullptr) row.prepare(in, size);
  Operation operation;
  operation.facts.kernel = row.kernel;
  if (!row.note.empty()) operation.facts.notes.emplace_back(row.note);
  const bool product =
      c.workload == "linear" || c.workload == "gemv" || c.workload == "batched_matmul";
  if (product && device.is_cpu()) {
    if (auto note = slow_gemm_note(c.dtype)) operation.facts.notes.push_back(*std::move(note));
  }
  operation.call = [call = row.call, in = std::move(in), size] { return call(in, size); };
  operation.read = row.read;
  return operation;
}

Result<Operation> make_compiled_chain(const workload::Case&, const Tensors&, at::Device) {
  return fail(ErrorKind::unsupported,
              "torch.compile is part of PyTorch's Python package; LibTorch has no compiler");
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace mlbench::torch_worker
