#pragma once

#include "core/error.hpp"
#include "workload/workload.hpp"

#include <functional>
#include <string>

/// The part that the fake worker plays in a rehearsal (mlbench --rehearsal): a framework as it was
/// recorded on another machine, with invented times.
namespace mlbench::fake {

class Part {
 public:
  /// From MLBENCH_REHEARSAL (the recording) and MLBENCH_REHEARSAL_PART (the framework); nullptr
  /// when there is no rehearsal. Ends the process when the recording is not usable.
  [[nodiscard]] static const Part* mine();

  [[nodiscard]] const std::string& framework() const { return framework_; }
  [[nodiscard]] std::string version() const;
  [[nodiscard]] std::vector<std::string> devices() const;
  /// The recorded answer to `describe`. Errors: `unsupported` for a device without one.
  [[nodiscard]] Result<Json> describe(const std::string& device) const;
  /// Invented: what the rates of the recording give for the work of `c`.
  [[nodiscard]] double call_s(const workload::Case& c, const std::string& device) const;

  /// The bytes that `make` returns, made once for all processes of a rehearsal.
  [[nodiscard]] static std::vector<std::byte> once(
      const std::string& name, const std::function<std::vector<std::byte>()>& make);

 private:
  Part(std::string framework, Json recorded)
      : framework_(std::move(framework)), recorded_(std::move(recorded)) {}

  std::string framework_;
  Json recorded_;
};

}  // namespace mlbench::fake
