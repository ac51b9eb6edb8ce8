#pragma once

#include "core/error.hpp"
#include "mlx/chain.hpp"
#include "protocol/message.hpp"
#include "workload/workload.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench::mlx_worker {

/// A case mapped to MLX.
struct Operation {
  protocol::Prepared facts;
  /// One call; built, submitted and waited for by run_chain(), which is what is timed.
  Call call;
  /// Arrays that `call` takes: the case's inputs, or a stand-in where the case has none, because a
  /// call without input could not depend on the call before.
  std::vector<mx::array> inputs;
  /// The output of a call is the first input of the next: they form a chain by themselves.
  bool feeds_back = false;
  /// Each call is waited for before the next one is built.
  bool wait_each = false;
  /// The output in the shape and dtype that the workload states, where MLX has others; empty: as
  /// is. Not timed.
  std::function<mx::array(const mx::array&)> read;
};

/// Maps case `c` with its evaluated `inputs` (in the order of workload::inputs_of) to the fastest
/// way that MLX itself offers for it. Errors: `unsupported`.
using MakeOperation = Result<Operation> (*)(const workload::Case& c, std::vector<mx::array> inputs,
                                            mx::Device device);

/// nullptr when this worker has no such workload.
[[nodiscard]] MakeOperation find_operation(std::string_view workload);
[[nodiscard]] std::vector<std::string> workload_names();

/// Adds what to know about MLX's products in `dtype` on `device`.
void add_product_note(workload::DType dtype, mx::Device device, protocol::Prepared& facts);

/// The workloads of make_elementwise() and make_function().
[[nodiscard]] std::vector<std::string_view> elementwise_names();
[[nodiscard]] std::vector<std::string_view> function_names();

[[nodiscard]] Result<Operation> make_elementwise(const workload::Case& c,
                                                 std::vector<mx::array> inputs, mx::Device device);
[[nodiscard]] Result<Operation> make_function(const workload::Case& c,
                                              std::vector<mx::array> inputs, mx::Device device);
[[nodiscard]] Result<Operation> make_attention(const workload::Case& c,
                                               std::vector<mx::array> inputs, mx::Device device);
[[nodiscard]] Result<Operation> make_quantized(const workload::Case& c,
                                               std::vector<mx::array> inputs, mx::Device device);
[[nodiscard]] Result<Operation> make_overhead(const workload::Case& c,
                                              std::vector<mx::array> inputs, mx::Device device);
[[nodiscard]] Result<Operation> make_gemm(const workload::Case& c, std::vector<mx::array> inputs,
                                          mx::Device device);
[[nodiscard]] Result<Operation> make_memory(const workload::Case& c, std::vector<mx::array> inputs,
                                            mx::Device device);

}  // namespace mlbench::mlx_worker
