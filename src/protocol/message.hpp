#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "workload/workload.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Messages between the orchestrator and a worker: one JSON object a line, UTF-8, '\n' at the end.
/// docs/protocol.md is the specification; this header is its C++ form. Change both together.
namespace mlbench::protocol {

/// Raised by one when a worker of the previous version could misread a message.
inline constexpr int kProtocolVersion = 1;
/// A longer line is refused: no message needs it, and a runaway worker must not fill our memory.
inline constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

/// The worker's first line, unasked. The orchestrator checks `protocol` before it sends anything.
struct Hello {
  int protocol = kProtocolVersion;
  std::string worker;             ///< "torch", "mlx", "native", "fake".
  std::string framework_version;  ///< As the framework reports it at run time.
  std::vector<std::string>
      devices;  ///< Devices that could be asked for: "cpu", "mps", "cuda:0", "gpu".
  std::vector<std::string> workloads;  ///< Workloads it knows; others are answered `unsupported`.
  /// Variants of a case it knows, "cold" and "independent"; it is not asked for others, which it
  /// would measure as the usual case.
  std::vector<std::string> variants = {};
};

/// A request: `{"id":7,"verb":"block",...}`. Fields beside id and verb are the verb's own.
struct Request {
  std::int64_t id = 0;
  std::string verb;
  Json body = Json::object();
};

/// Why a worker could not do what was asked.
enum class FailureKind {
  unsupported,    ///< This framework, build or device has no such operation, dtype or size.
  out_of_memory,  ///< An allocation was refused.
  failed,         ///< Anything else; the message is the framework's own.
};
[[nodiscard]] std::string_view name_of(FailureKind kind) noexcept;

struct Failure {
  FailureKind kind = FailureKind::failed;
  std::string message;
};

/// The answer to request `id`: either `failure` or the verb's own fields in `body`.
struct Reply {
  std::int64_t id = 0;
  std::optional<Failure> failure;
  Json body = Json::object();
};

[[nodiscard]] std::string encode(const Hello& hello);
[[nodiscard]] std::string encode(const Request& request);
[[nodiscard]] std::string encode(const Reply& reply);

// Errors: `protocol` for bad JSON, a wrong "type", or a missing or mistyped field, which is named.
// Unknown fields are ignored, so a newer peer can add some.
[[nodiscard]] Result<Hello> decode_hello(std::string_view line);
[[nodiscard]] Result<Request> decode_request(std::string_view line);
[[nodiscard]] Result<Reply> decode_reply(std::string_view line);

/// Fields of the reply to `prepare`.
struct Prepared {
  std::string kernel;              ///< What runs: "at::linear", "mx::matmul", "cblas_sgemm".
  std::vector<std::string> notes;  ///< For people: "no native float16 kernel: scalar loop".
  /// Of a model: its weights as they lie on the device, true bits of quantised ones included.
  std::optional<std::int64_t> weight_bytes = std::nullopt;
  /// Operations of a call that were seen to run on the CPU though another device was asked for.
  std::vector<std::string> fallback = {};
};

/// Fields of the reply to `warm`.
struct Warmed {
  double first_call_s = 0;  ///< The very first call after `prepare`: compiles, allocates.
  std::vector<double>
      samples_s;         ///< Seconds per call, one call a sample, in order, without the first.
  bool settled = false;  ///< The last two windows of samples agreed within 3 %.
  double sync_overhead_s = 0;  ///< Median of waiting for a device that has nothing to do.
};

/// What is recorded of the process while a block ran. Unknown is empty.
struct BlockState {
  std::int64_t start_ns = 0;  ///< Steady clock, comparable between the processes of one machine.
  std::optional<double> process_cpu_s, thread_cpu_s;
  std::optional<std::int64_t> involuntary_switches, minor_faults, cpu;
  /// A fixed chain of integer arithmetic before the block: a check on the clock that no counter
  /// shows.
  std::optional<double> spin_s;
  /// The same on a GPU, after the block: seconds of a fixed amount of arithmetic in registers
  /// there.
  std::optional<double> device_spin_s;
};

/// Fields of the reply to `block`.
struct Block {
  std::vector<double> samples_s;  ///< Seconds per call; the first is the discarded lead-in.
  BlockState state;
  /// Seconds from one token to the next as the host received them, of all samples but the lead-in;
  /// empty where the case writes no tokens one by one.
  std::vector<double> token_times_s = {};
  /// Seconds per call of what was made before `samples_s` until the device had settled; on GPUs.
  std::vector<double> lead_in_samples_s = {};
  /// Most memory during the block: what the framework itself counted on its device, and the
  /// process's own footprint. Unknown is empty.
  std::optional<std::int64_t> framework_peak_bytes = std::nullopt,
                              process_peak_bytes = std::nullopt;
  /// Seconds a call until the last of `calls` calls was submitted, in one more run after the
  /// samples; the rest of a sample is waiting. Empty where it was not asked for or is not told.
  std::optional<double> submit_s = std::nullopt;
};

/// Fields of the reply to `verify`; the bytes are in the file that the request named.
struct Output {
  std::vector<std::int64_t> shape;
  workload::DType dtype = workload::DType::float32;
};

[[nodiscard]] Json to_json(const Prepared& prepared);
[[nodiscard]] Json to_json(const Warmed& warmed);
[[nodiscard]] Json to_json(const Block& block);
[[nodiscard]] Json to_json(const Output& output);
[[nodiscard]] Result<Prepared> prepared_from_json(const Json& body);
[[nodiscard]] Result<Warmed> warmed_from_json(const Json& body);
[[nodiscard]] Result<Block> block_from_json(const Json& body);
[[nodiscard]] Result<Output> output_from_json(const Json& body);

}  // namespace mlbench::protocol
