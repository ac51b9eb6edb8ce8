#include "mlx/ceilings.hpp"

#include "kit/counters.hpp"
#include "mlx/ceiling_kernels.hpp"

#include <mlx/backend/metal/metal.h>
#include <mlx/fast.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mlbench::mlx_worker {
namespace {

using Arrays = std::vector<mx::array>;
using TemplateArguments = std::vector<std::pair<std::string, mx::fast::TemplateArg>>;
using Kernel = mx::fast::CustomKernelFunction;

constexpr int kGroup = 256;  ///< Threads of a threadgroup or block; all grids are multiples.

/// One launch: `threads` threads write one output of `elements` float32, all of them `expected`.
struct Launch {
  Kernel kernel;
  Arrays inputs;
  int elements = 0, threads = 0;
  TemplateArguments arguments;
  float expected = 0;

  [[nodiscard]] mx::array operator()() const {
    return kernel(inputs, {{elements}}, {mx::float32}, {threads, 1, 1}, {kGroup, 1, 1}, arguments,
                  std::nullopt, false, mx::Device::gpu)[0];
  }
};

/// Shortest time a launch, of a few samples of `launches` launches that depend on each other. What
/// the first took, which compiles, is added to `end_ns`: a budget is for measuring.
double shortest_s(Launch launch, int launches, std::int64_t& end_ns) {
  constexpr int kSamples = 6;
  double best_s = std::numeric_limits<double>::infinity();
  const Arrays inputs = launch.inputs;
  for (int sample = 0; sample < kSamples; ++sample) {
    const auto start = kit::steady_ns();
    launch.inputs = inputs;
    mx::array last = launch();
    for (int i = 1; i < launches; ++i) {
      launch.inputs = mx::depends(inputs, {last});
      last = launch();
    }
    mx::eval(last);
    const double s = static_cast<double>(kit::steady_ns() - start) * 1e-9 / launches;
    if (sample == 0) {
      end_ns += kit::steady_ns() - start;
    } else {
      best_s = std::min(best_s, s);
    }
    if (sample == 0 &&
        !mx::all(mx::equal(last, mx::array(launch.expected)), mx::Device::gpu).item<bool>())
      throw std::runtime_error("it does not compute what it should");
  }
  return best_s;
}

class Measurement {
 public:
  Measurement(bool metal, double budget_s)
      : metal_(metal), end_ns_(kit::steady_ns() + static_cast<std::int64_t>(budget_s * 1e9)) {}

  /// Largest first: the memory's roof matters most, and the budget may end.
  void bandwidths() {
    constexpr std::int64_t kMiB = 1 << 20;
    for (std::int64_t bytes = 512 * kMiB; bytes >= kMiB; bytes /= 2)
      attempt([&] { bandwidth(bytes); });
  }

  void arithmetic() {
    attempt([&] { fma("float32", mx::float32); });
    if (metal_) {
      attempt([&] { fma("float16", mx::float16); });
      attempt([&] { matrix_metal("float16", mx::float16); });
      attempt([&] { matrix_metal("bfloat16", mx::bfloat16); });
      attempt([&] { matrix_metal("float32", mx::float32); });
    } else {
      attempt([&] { matrix_cuda("float16", kernels::cuda_matrix("f16")); });
      attempt([&] { matrix_cuda("bfloat16", kernels::cuda_matrix("bf16")); });
    }
  }

  [[nodiscard]] Json ceilings() && { return std::move(list_); }

 private:
  void bandwidth(std::int64_t working_set_bytes) {
    // Threads move 16 bytes of each array.
    const auto elements = [&](std::int64_t arrays) {
      return static_cast<int>(working_set_bytes / arrays / 4 / (4 * kGroup) * (4 * kGroup));
    };
    // A millisecond at 4 TB/s, beside which one wait for the device is little; of the largest few,
    // since the outputs of all may be alive at once.
    const int launches = static_cast<int>(
        std::clamp<std::int64_t>((std::int64_t{4} << 30) / working_set_bytes, 8, 64));
    const int half = elements(2), third = elements(3);
    const Arrays copied = {mx::ones({half}, mx::float32, mx::Device::gpu)};
    const Arrays added = {mx::ones({third}, mx::float32, mx::Device::gpu),
                          mx::ones({third}, mx::float32, mx::Device::gpu)};
    mx::eval(copied);
    mx::eval(added);
    const double copy_rate =
        2.0 * 4 * half /
        shortest_s({make("mlbench_copy", {"x"}, kernels::kMetalCopy, kernels::kCudaCopy),
                    copied,
                    half,
                    half / 4,
                    {},
                    1},
                   launches, end_ns_);
    const double triad_rate =
        3.0 * 4 * third /
        shortest_s({make("mlbench_triad", {"a", "b"}, kernels::kMetalTriad, kernels::kCudaTriad),
                    added,
                    third,
                    third / 4,
                    {},
                    4},
                   launches, end_ns_);
    const bool copy_wins = copy_rate > triad_rate;
    add("bytes_per_s", working_set_bytes, copy_wins ? copy_rate : triad_rate,
        copy_wins ? "copy kernel" : "triad kernel");
  }

  void fma(const char* dtype, mx::Dtype type) {
    constexpr int kIterations = 2048, kThreads = 1 << 18;
    const mx::array start = mx::full({8}, 0.5F, mx::float32, mx::Device::gpu);
    mx::eval(start);
    TemplateArguments arguments = {{"ITERS", kIterations}};
    if (metal_) arguments.emplace_back("T", type);
    const double s = shortest_s({make("mlbench_fma", {"x"}, kernels::kMetalFma, kernels::kCudaFma),
                                 {start},
                                 kThreads,
                                 kThreads,
                                 arguments,
                                 kernels::kFmaSums},
                                4, end_ns_);
    add(dtype, 0, 2.0 * kernels::kFmaSums * kIterations * kThreads / s, "FMA kernel");
  }

  [[nodiscard]] Kernel make(const std::string& name, const std::vector<std::string>& inputs,
                            const std::string& metal, const std::string& cuda,
                            const char* header = "") const {
    return metal_ ? mx::fast::metal_kernel(name, inputs, {"y"}, metal, header)
                  : mx::fast::cuda_kernel(name, inputs, {"y"}, cuda);
  }

  /// A kernel that this GPU or its compiler does not take costs its own ceiling only.
  template <class Measure>
  void attempt(const Measure& measure) const {
    if (kit::steady_ns() > end_ns_) return;
    try {
      measure();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "a ceiling kernel did not run: %s\n", e.what());
    }
  }

  void matrix_metal(const char* dtype, mx::Dtype type) {
    constexpr int kIterations = 1024, kGroups = 1 << 14;
    const mx::array x = mx::zeros({64}, type, mx::Device::gpu);
    mx::eval(x);
    const double s = shortest_s(
        {make("mlbench_matrix", {"x"}, kernels::kMetalMatrix, "", kernels::kMetalMatrixHeader),
         {x},
         kGroups * 512,
         kGroups * 32,
         {{"ITERS", kIterations}, {"T", type}},
         0},
        2, end_ns_);
    add(dtype, 0, kernels::kMetalMatrixFlop * kIterations * kGroups / s, "matrix-unit kernel");
  }

  void matrix_cuda(const char* dtype, const std::string& source) {
    constexpr int kIterations = 2048, kThreads = 1 << 18;
    const mx::array x = mx::zeros({32}, mx::uint32, mx::Device::gpu);
    mx::eval(x);
    const double s = shortest_s({make(std::string("mlbench_matrix_") + dtype, {"x"}, "", source),
                                 {x},
                                 kThreads,
                                 kThreads,
                                 {{"ITERS", kIterations}},
                                 0},
                                2, end_ns_);
    // Warps of Hopper and later have wider instructions (wgmma): a lower bound there, and what a
    // product reaches counts where it is more.
    add(dtype, 0, kernels::kCudaMatrixFlop * kIterations * (kThreads / 32) / s,
        "matrix-unit kernel (mma.sync)");
  }

  void add(const char* resource, std::int64_t working_set_bytes, double rate, const char* name) {
    list_.push_back(
        {{"resource", resource},
         {"rate", rate},
         {"working_set_bytes", working_set_bytes == 0 ? Json(nullptr) : Json(working_set_bytes)},
         {"name", name},
         {"threads", nullptr}});
  }

  bool metal_;
  std::int64_t end_ns_;
  Json list_ = Json::array();
};

}  // namespace

Result<Json> measure_gpu_ceilings(mx::Device device, double budget_s) {
  if (device == mx::Device::cpu)
    return fail(ErrorKind::unsupported, "the native worker measures a CPU's ceilings");
  Measurement measurement(mx::metal::is_available(), budget_s);
  measurement.arithmetic();
  measurement.bandwidths();
  return Json{{"ceilings", std::move(measurement).ceilings()}};
}

}  // namespace mlbench::mlx_worker
