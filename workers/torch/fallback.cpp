#include "torch/fallback.hpp"

#include <ATen/record_function.h>

#include <algorithm>
#include <memory>

namespace mlbench::torch_worker {
namespace {

thread_local std::vector<std::string>* g_seen = nullptr;

bool is_on_cpu(const c10::IValue& value) {
  if (value.isTensor()) {
    const auto& tensor = value.toTensor();
    return tensor.defined() && tensor.is_cpu() && tensor.numel() > 1;
  }
  if (!value.isTensorList()) return false;
  const auto list = value.toTensorVector();
  return std::any_of(list.begin(), list.end(), [](const at::Tensor& t) {
    return t.defined() && t.is_cpu() && t.numel() > 1;
  });
}

std::unique_ptr<at::ObserverContext> observe(const at::RecordFunction& function) {
  const auto inputs = function.inputs();
  if (g_seen == nullptr || !std::any_of(inputs.begin(), inputs.end(), is_on_cpu)) return nullptr;
  const std::string name = function.name();
  if (std::find(g_seen->begin(), g_seen->end(), name) == g_seen->end()) g_seen->push_back(name);
  return nullptr;
}

/// The observer while it lives, also when the call throws.
class Observing {
 public:
  explicit Observing(std::vector<std::string>& seen)
      : handle_(
            at::addThreadLocalCallback(at::RecordFunctionCallback(observe).needsInputs(true).scopes(
                {at::RecordScope::FUNCTION}))) {
    g_seen = &seen;
  }
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;
  ~Observing() {
    g_seen = nullptr;
    at::removeCallback(handle_);
  }

 private:
  at::CallbackHandle handle_;
};

}  // namespace

std::vector<std::string> operations_on_cpu(const std::function<at::Tensor()>& call) {
  std::vector<std::string> seen;
  const Observing observing(seen);
  static_cast<void>(call());
  return seen;
}

}  // namespace mlbench::torch_worker
