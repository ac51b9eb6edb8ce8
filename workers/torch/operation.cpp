#include "torch/operation.hpp"

#include <array>
#include <utility>

namespace mlbench::torch_worker {
namespace {

constexpr std::array<std::pair<std::string_view, MakeOperation>, 2> kOperations = {
    {{"gemm", make_gemm}, {"memory", make_memory}}};

}  // namespace

MakeOperation find_operation(std::string_view workload) {
  for (const auto& [name, make] : kOperations) {
    if (name == workload) return make;
  }
  return nullptr;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : kOperations) names.emplace_back(name);
  return names;
}

}  // namespace mlbench::torch_worker
