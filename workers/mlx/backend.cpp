#include "mlx/backend.hpp"

#include "kit/counters.hpp"
#include "kit/memory.hpp"
#include "mlx/array.hpp"
#include "mlx/ceilings.hpp"
#include "mlx/chain.hpp"
#include "mlx/describe.hpp"
#include "mlx/device.hpp"
#include "mlx/device_spin.hpp"
#include "mlx/language.hpp"
#include "mlx/operation.hpp"
#include "mlx/settings.hpp"
#include "workload/language.hpp"

#include <mlx/memory.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace mlbench::mlx_worker {
namespace {

class OperationKernel final : public kit::Kernel {
 public:
  /// `copies` are the same case over memory of their own; several where the case is cold.
  OperationKernel(const std::vector<Operation>& copies, bool independent, std::size_t output_bytes,
                  mx::Device device)
      : operation_(copies.front()),
        independent_(independent),
        group_(calls_per_group(output_bytes, device)),
        device_(device),
        output_(operation_.inputs[0]) {
    for (const Operation& copy : copies) inputs_.push_back(copy.inputs);
  }

  void run(int calls) override {
    mx::set_default_device(device_);  // where depends() and compiled functions run
    if (independent_) {
      output_ = run_independent(operation_.call, operation_.inputs, calls);
    } else if (operation_.feeds_back) {
      constexpr int kMostFedBack = 256;
      const int group = operation_.wait_each ? 1 : std::min(group_, kMostFedBack);
      output_ = run_fed_back(operation_.call, operation_.inputs, calls, group);
    } else if (inputs_.size() > 1) {
      output_ = run_cold_chain(operation_.call, inputs_, outputs_, calls, group_, next_);
    } else {
      output_ = run_chain(operation_.call, operation_.inputs, calls, group_);
    }
  }

  std::optional<double> submit_s(int calls) override {
    if (independent_ || operation_.feeds_back || inputs_.size() > 1) return std::nullopt;
    mx::set_default_device(device_);
    const auto start = kit::steady_ns();
    output_ = build_chain(operation_.call, operation_.inputs, calls, group_);
    mx::async_eval(output_);
    const auto submitted = kit::steady_ns();
    mx::eval(output_);
    return static_cast<double>(submitted - start) * 1e-9;
  }

  workload::TensorData output() override {
    return to_host(operation_.read ? operation_.read(output_) : output_);
  }

  [[nodiscard]] protocol::Prepared facts() const override { return operation_.facts; }

 private:
  Operation operation_;
  bool independent_;
  int group_;
  mx::Device device_;
  mx::array output_;
  std::vector<std::vector<mx::array>> inputs_;  ///< One a copy.
  std::vector<mx::array> outputs_;              ///< Of the last calls; cold cases only.
  std::size_t next_ = 0;
};

/// Every input exists a second time on the host while it is made; outputs come after that, two old
/// ones still alive when the new one is made.
std::int64_t host_bytes_needed(const workload::Case& c) {
  std::int64_t sum = 0, largest = 0;
  for (const auto& spec : workload::inputs_of(c)) {
    sum += spec.bytes();
    largest = std::max(largest, spec.bytes());
  }
  const std::int64_t copies = workload::copies_of(c);
  const std::int64_t outputs = c.variant.independent ? 2 * workload::kIndependentCalls : copies + 2;
  return copies * sum + workload::workspace_bytes_of(c) +
         std::max(largest, outputs * workload::output_of(c).bytes());
}

/// An array that is written once, when it is made, and then read.
class Held final : public kit::Allocation {
 public:
  // In rows: MLX counts elements of a dimension in 32 bits.
  Held(mx::Device device, std::int64_t bytes)
      : device_(device),
        array_(mx::full({static_cast<int>(bytes / kRowBytes), static_cast<int>(kRowBytes / 4)},
                        1.0F, mx::float32, device)) {
    mx::eval(array_);
  }
  void touch() override { mx::eval(mx::sum(array_, device_)); }

 private:
  static constexpr std::int64_t kRowBytes = 16384;
  mx::Device device_;
  mx::array array_;
};

class MlxBackend final : public kit::Backend {
 public:
  explicit MlxBackend(MemorySettings settings) : settings_(settings) {}

  [[nodiscard]] protocol::Hello hello() const override {
    protocol::Hello hello;
    hello.worker = "mlx";
    hello.framework_version = framework_version();
    hello.devices = device_names();
    hello.workloads = workload_names();
    for (const char* name : {"prefill", "decode", "block"}) hello.workloads.emplace_back(name);
    hello.variants = {"cold", "independent"};
    return hello;
  }

  Result<Json> describe(const std::string& device) override {
    const auto found = find_device(device);
    if (!found) return found.error();
    return mlx_worker::describe(*found, settings_);
  }

  Result<std::unique_ptr<kit::Kernel>> prepare(const workload::Case& c, const std::string& device,
                                               std::uint64_t seed) override {
    const auto found = find_device(device);
    if (!found) return found.error();
    if (c.dtype == workload::DType::float64 && *found == mx::Device::gpu) {
      return fail(ErrorKind::unsupported, "MLX has no float64 on the GPU");
    }
    if (workload::is_language(c.workload)) return make_language_kernel(c, *found, seed);
    const auto make = find_operation(c.workload);
    if (make == nullptr) {
      return fail(ErrorKind::unsupported, "the mlx worker has no workload " + c.workload);
    }
    kit::require_memory(host_bytes_needed(c), kit::available_memory_bytes());
    kit::require_memory(workload::memory_bytes_of(c), device_available_bytes(*found));

    mx::set_default_device(*found);
    std::vector<Operation> copies;
    for (std::int64_t i = 0; i < workload::copies_of(c); ++i) {
      std::vector<mx::array> inputs;
      for (const auto& spec : workload::inputs_of(c)) {
        inputs.push_back(input_array(spec, seed, *found));
      }
      auto operation = make(c, std::move(inputs), *found);
      if (!operation) return operation.error();
      copies.push_back(*std::move(operation));
    }
    const auto output_bytes = static_cast<std::size_t>(workload::output_of(c).bytes());
    return std::unique_ptr<kit::Kernel>(
        std::make_unique<OperationKernel>(copies, c.variant.independent, output_bytes, *found));
  }

  Result<std::unique_ptr<kit::Allocation>> allocate(const std::string& device,
                                                    std::int64_t bytes) override {
    const auto found = find_device(device);
    if (!found) return found.error();
    return std::unique_ptr<kit::Allocation>(std::make_unique<Held>(*found, bytes));
  }

  /// {"what": "limits"}: those of MLX's allocator. {"what": "ceilings"}: of the GPU.
  Result<Json> probe(const Json& request) override {
    const auto what = find_string(request, "what");
    if (what == "ceilings") {
      const auto found = find_device(find_string(request, "device").value_or(""));
      if (!found) return found.error();
      return measure_gpu_ceilings(*found, find_number(request, "budget_s").value_or(3));
    }
    if (what != "limits") return Backend::probe(request);
    Json limits = Json::array();
    const auto add = [&](const char* name, std::size_t bytes, const char* source) {
      limits.push_back({{"name", name}, {"read_bytes", bytes}, {"source", source}});
    };
    add("mlx_memory_limit", mx::get_memory_limit(), "mx::get_memory_limit");
    add("mlx_cache_limit", settings_.cache_limit_bytes, "set by this worker");
    if (settings_.wired_limit_bytes > 0)
      add("mlx_wired_limit", settings_.wired_limit_bytes, "set by this worker");
    return Json{{"limits", limits}};
  }

  void synchronize(const std::string& device) override {
    if (const auto found = find_device(device)) mlx_worker::synchronize(*found);
  }

  std::optional<double> device_spin_s(const std::string& device) override {
    const auto found = find_device(device);
    return found ? mlx_worker::device_spin_s(*found) : std::nullopt;
  }

  void release_caches() override { mx::clear_cache(); }

  [[nodiscard]] bool is_out_of_memory(const std::exception& error) const override {
    constexpr std::array<std::string_view, 5> kPhrases = {
        "[metal::malloc]", "[guard]", "out of memory", "Unable to allocate", "OutOfMemory"};
    const std::string_view text = error.what();
    return Backend::is_out_of_memory(error) ||
           std::any_of(kPhrases.begin(), kPhrases.end(), [&](std::string_view phrase) {
             return text.find(phrase) != std::string_view::npos;
           });
  }

 private:
  MemorySettings settings_;
};

}  // namespace

std::unique_ptr<kit::Backend> make_backend() {
  return std::make_unique<MlxBackend>(set_memory_limits());
}

}  // namespace mlbench::mlx_worker
