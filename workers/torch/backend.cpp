#include "torch/backend.hpp"

#include "core/text.hpp"
#include "kit/counters.hpp"
#include "kit/memory.hpp"
#include "torch/describe.hpp"
#include "torch/device.hpp"
#include "torch/device_spin.hpp"
#include "torch/fallback.hpp"
#include "torch/language.hpp"
#include "torch/operation.hpp"
#include "torch/precision.hpp"
#include "torch/tensor.hpp"
#include "workload/language.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/fill.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace mlbench::torch_worker {
namespace {

/// Calls an operation one after the other on the device's one queue, which runs them in order. The
/// output of a call is dropped when the next one exists, as in a Python loop.
class OperationKernel final : public kit::Kernel {
 public:
  /// `copies` are the same case over memory of their own, and take turns. As many outputs stay
  /// alive as there are copies, or as independent calls may have in flight.
  OperationKernel(std::vector<Operation> copies, bool independent, at::Device device)
      : copies_(std::move(copies)),
        device_(device),
        outputs_(independent ? std::size_t{2} * workload::kIndependentCalls : copies_.size()) {}

  void run(int calls) override {
    submit(calls);
    synchronize(device_);
  }

  std::optional<double> submit_s(int calls) override {
    const auto start = kit::steady_ns();
    submit(calls);
    const auto submitted = kit::steady_ns();
    synchronize(device_);
    return static_cast<double>(submitted - start) * 1e-9;
  }

  workload::TensorData output() override {
    const c10::InferenceMode no_autograd;
    const auto& read = copies_.front().read;
    return to_host(read ? read(outputs_[last_]) : outputs_[last_]);
  }

  [[nodiscard]] protocol::Prepared facts() const override { return copies_.front().facts; }

 private:
  void submit(int calls) {
    const c10::InferenceMode no_autograd;  // thread-local, so set where the calls are made
    for (int i = 0; i < calls; ++i) {
      copy_ = (copy_ + 1) % copies_.size();
      last_ = (last_ + 1) % outputs_.size();
      outputs_[last_] = copies_[copy_].call();
      if (copies_[copy_].wait_each) synchronize(device_);
    }
  }

  std::vector<Operation> copies_;
  at::Device device_;
  std::vector<at::Tensor> outputs_;
  std::size_t copy_ = 0, last_ = 0;
};

/// An input of another device exists a second time on the host while it is made; outputs come after
/// that, the old one still alive when the new one is made.
std::int64_t host_bytes_needed(const workload::Case& c) {
  const auto inputs = workload::inputs_of(c);
  std::int64_t sum = 0, largest = 0;
  for (const auto& spec : inputs) {
    sum += spec.bytes();
    largest = std::max(largest, spec.bytes());
  }
  const std::int64_t copies = workload::copies_of(c);
  const std::int64_t outputs = c.variant.independent ? 2 * workload::kIndependentCalls : copies + 1;
  return copies * sum + workload::workspace_bytes_of(c) +
         std::max(largest, outputs * workload::output_of(c).bytes());
}

/// A tensor of bytes that is written to.
class Held final : public kit::Allocation {
 public:
  Held(at::Device device, std::int64_t bytes)
      : device_(device),
        tensor_(at::empty({bytes}, at::TensorOptions().dtype(at::kByte).device(device))) {}

  void touch() override {
    const c10::InferenceMode no_autograd;
    at::fill_(tensor_, 1);
    synchronize(device_);
  }

 private:
  at::Device device_;
  at::Tensor tensor_;
};

class TorchBackend final : public kit::Backend {
 public:
  [[nodiscard]] protocol::Hello hello() const override {
    protocol::Hello hello;
    hello.worker = "torch";
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
    return torch_worker::describe(*found);
  }

  Result<std::unique_ptr<kit::Kernel>> prepare(const workload::Case& c, const std::string& device,
                                               std::uint64_t seed) override {
    const auto found = find_device(device);
    if (!found) return found.error();
    if (found->is_mps() && c.dtype == workload::DType::float64) {
      return fail(ErrorKind::unsupported, "PyTorch has no float64 on mps");
    }
    if (workload::is_language(c.workload)) return make_language_kernel(c, *found, seed);
    const auto make = find_operation(c.workload);
    if (make == nullptr) {
      return fail(ErrorKind::unsupported, "the torch worker has no workload " + c.workload);
    }
    kit::require_memory(host_bytes_needed(c), kit::available_memory_bytes());
    kit::require_memory(workload::memory_bytes_of(c), device_available_bytes(*found));

    const c10::InferenceMode no_autograd;
    std::vector<Operation> copies;
    for (std::int64_t i = 0; i < workload::copies_of(c); ++i) {
      std::vector<at::Tensor> inputs;
      for (const auto& spec : workload::inputs_of(c)) {
        inputs.push_back(input_tensor(spec, seed, *found));
      }
      synchronize(*found);
      auto operation = make(c, inputs, *found);
      if (!operation) return operation.error();
      copies.push_back(*std::move(operation));
    }
    if (!found->is_cpu()) copies.front().facts.fallback = operations_on_cpu(copies.front().call);
    return std::unique_ptr<kit::Kernel>(
        std::make_unique<OperationKernel>(std::move(copies), c.variant.independent, *found));
  }

  Result<std::unique_ptr<kit::Allocation>> allocate(const std::string& device,
                                                    std::int64_t bytes) override {
    const auto found = find_device(device);
    if (!found) return found.error();
    return std::unique_ptr<kit::Allocation>(std::make_unique<Held>(*found, bytes));
  }

  /// {"what": "limits"}: what PyTorch's allocator on mps was told, as shares of the recommended
  /// working set.
  Result<Json> probe(const Json& request) override {
    if (find_string(request, "what") != "limits") return Backend::probe(request);
    Json limits = Json::array();
    const auto add = [&](const char* name, const char* variable, double otherwise) {
      const char* set = std::getenv(variable);
      const auto ratio = set == nullptr ? std::nullopt : parse_double(set);
      limits.push_back({{"name", name},
                        {"ratio", ratio.value_or(otherwise)},
                        {"source", ratio ? variable : "PyTorch's default"}});
    };
    if (find_string(request, "device") == "mps") {
      add("mps_high_watermark", "PYTORCH_MPS_HIGH_WATERMARK_RATIO", 1.7);
      add("mps_low_watermark", "PYTORCH_MPS_LOW_WATERMARK_RATIO", 1.4);
    }
    return Json{{"limits", limits}};
  }

  void synchronize(const std::string& device) override {
    if (const auto found = find_device(device)) torch_worker::synchronize(*found);
  }

  std::optional<double> device_spin_s(const std::string& device) override {
    const auto found = find_device(device);
    return found ? torch_worker::device_spin_s(*found) : std::nullopt;
  }

  void release_caches() override { empty_caches(); }

  [[nodiscard]] bool is_unsupported(const std::exception& error) const override {
    return dynamic_cast<const c10::NotImplementedError*>(&error) != nullptr;
  }

  [[nodiscard]] bool is_out_of_memory(const std::exception& error) const override {
    if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
    constexpr std::array<std::string_view, 4> kPhrases = {
        "out of memory", "can't allocate memory", "not enough memory", "Invalid buffer size"};
    const std::string_view text = error.what();
    return Backend::is_out_of_memory(error) ||
           std::any_of(kPhrases.begin(), kPhrases.end(), [&](std::string_view phrase) {
             return text.find(phrase) != std::string_view::npos;
           });
  }

 private:
  // A member of the class hides the namespace's function of the same name.
  static void synchronize(at::Device device) { torch_worker::synchronize(device); }
};

}  // namespace

std::unique_ptr<kit::Backend> make_backend() {
  set_precision();
  return std::make_unique<TorchBackend>();
}

}  // namespace mlbench::torch_worker
