#include "torch/operation.hpp"

#include <utility>

namespace mlbench::torch_worker {
namespace {

using Table = std::vector<std::pair<std::string_view, MakeOperation>>;

const Table& table() {
  static const Table all = [] {
    Table t = {{"gemm", make_gemm},
               {"memory", make_memory},
               {"attention_unfused", make_attention},
               {"attention", make_attention},
               {"attention_causal", make_attention},
               {"attention_decode", make_attention},
               {"overhead", make_overhead},
               {"latency", make_overhead},
               {"quantized_matmul", make_quantized},
               {"chain_compiled", make_compiled_chain}};
    for (const auto name : function_names()) t.emplace_back(name, make_function);
    return t;
  }();
  return all;
}

}  // namespace

MakeOperation find_operation(std::string_view workload) {
  for (const auto& [name, make] : table()) {
    if (name == workload) return make;
  }
  return nullptr;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : table()) names.emplace_back(name);
  return names;
}

}  // namespace mlbench::torch_worker
