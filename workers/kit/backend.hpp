#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "protocol/message.hpp"
#include "workload/workload.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What a framework has to provide to be a worker. worker_main() owns the protocol, the clock, the
/// warm-up and the counters; a backend only builds inputs, runs kernels and waits for its device.
///
/// Errors: functions may throw whatever the framework throws; worker_main() turns it into a reply.
namespace mlbench::kit {

/// A case that is ready to run on one device: inputs built, on the device, and every page touched.
class Kernel {
 public:
  virtual ~Kernel() = default;

  /// Runs the case `calls` times, each call depending on the one before (so that no call can
  /// overlap another or be left out), and returns when the device has finished all of them. This is
  /// exactly what is timed: building the calls, submitting them, waiting. Never inputs.
  virtual void run(int calls) = 0;

  /// The same as run(), and the seconds until the last call was submitted; what run() takes longer
  /// is waiting. nullopt, having run nothing, where that cannot be told apart. Never timed.
  virtual std::optional<double> submit_s(int calls) {
    static_cast<void>(calls);
    return std::nullopt;
  }

  /// The result of the last call of the last run(), copied to the host, with the shape and dtype
  /// that the framework itself reports for it.
  virtual workload::TensorData output() = 0;

  /// What runs, and what a reader should know about it ("no native float16 kernel").
  [[nodiscard]] virtual protocol::Prepared facts() const = 0;

  /// Whether run() plays times of another machine, about which this one's clock says nothing.
  [[nodiscard]] virtual bool has_invented_times() const { return false; }

  /// Seconds from token to token as the host received them in the last run(); empty where the case
  /// writes none.
  [[nodiscard]] virtual std::vector<double> token_times_s() const { return {}; }

  /// Most memory that the framework itself counted since reset_peak(); unknown is empty.
  [[nodiscard]] virtual std::optional<std::int64_t> peak_bytes() { return std::nullopt; }
  virtual void reset_peak() {}
};

/// Memory of a device that is held until this goes.
class Allocation {
 public:
  virtual ~Allocation() = default;
  /// Writes to, or reads, every page, and returns when that is done.
  virtual void touch() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  [[nodiscard]] virtual protocol::Hello hello() const = 0;

  /// What this framework is and does on `device`: {"framework_version", "build", "device_name",
  /// "blas": {"library","path","config","threads"}, "threads", "environment": {NAME: value of
  /// variables that change results}, "limits": {...}, "compiler"}; fields that are unknown are
  /// null. Errors: `unsupported` when the device cannot be used here, with the reason.
  virtual Result<Json> describe(const std::string& device) = 0;

  /// Errors: `unsupported` when there is no such operation for this dtype on this device.
  virtual Result<std::unique_ptr<Kernel>> prepare(const workload::Case& c,
                                                  const std::string& device,
                                                  std::uint64_t seed) = 0;

  /// Waits until the device has nothing left to do.
  virtual void synchronize(const std::string& device) = 0;

  /// Seconds of a fixed amount of arithmetic in registers of a GPU (kit/device_spin.hpp); nullopt
  /// on a CPU, whose clock the kit checks itself, and where there is no such program.
  virtual std::optional<double> device_spin_s(const std::string& device) {
    static_cast<void>(device);
    return std::nullopt;
  }

  /// One buffer of `bytes` (a multiple of 16 KiB) as the framework itself allocates one. Throws,
  /// like all else, when memory runs out. Errors: `unsupported`.
  virtual Result<std::unique_ptr<Allocation>> allocate(const std::string& device,
                                                       std::int64_t bytes) {
    static_cast<void>(device), static_cast<void>(bytes);
    return fail(ErrorKind::unsupported, "this worker does not allocate for its own sake");
  }

  /// Returns cached memory of the framework to the system, after a kernel is destroyed.
  virtual void release_caches() {}

  /// Answers the `probe` verb. Errors: `unsupported` for a probe it does not know.
  virtual Result<Json> probe(const Json& request) {
    static_cast<void>(request);
    return fail(ErrorKind::unsupported, "this worker has no such probe");
  }

  /// Whether `error` says that the framework has no kernel for what was asked.
  [[nodiscard]] virtual bool is_unsupported(const std::exception& error) const {
    static_cast<void>(error);
    return false;
  }

  /// Whether `error` means that memory ran out. The default knows std::bad_alloc only.
  [[nodiscard]] virtual bool is_out_of_memory(const std::exception& error) const {
    return dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  }
};

/// Serves the protocol on stdin and stdout until `bye` or the end of input; returns the exit code.
/// Must be called before the framework prints anything: it keeps the real stdout for the protocol
/// and points fd 1 at stderr. `make` is called after that.
int worker_main(std::unique_ptr<Backend> (*make)());

}  // namespace mlbench::kit
