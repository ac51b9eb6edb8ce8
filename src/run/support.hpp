#pragma once

#include "compare/support.hpp"
#include "run/runner.hpp"
#include "run/worker.hpp"
#include "workload/workload.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// The support map: what each subject does with a small case of every workload and dtype. Each row
/// is an executed probe: prepare, verify against the reference, and a short block.
namespace mlbench::run {

using compare::kSlowFactor;

enum class Support { native, slow, fallback, unsupported, wrong };
[[nodiscard]] std::string_view name_of(Support support) noexcept;

struct SupportRow {
  workload::Case definition;
  std::string subject;
  Support support = Support::native;
  std::string reason;  ///< Why it is not native, or what the worker says about the kernel.
  std::string kernel;
  std::optional<double> call_s;         ///< Of the fastest of a few calls.
  std::optional<double> float32_ratio;  ///< call_s over that of the same case in float32.
};

/// Probes `cases`, of which those that differ in dtype only are compared, on every subject that can
/// be used. A worker that crashes is started again. `tell` is told what happens now. Stops early
/// when the user asks for it.
[[nodiscard]] std::vector<SupportRow> probe_support(
    const std::vector<Subject>& subjects, const std::vector<workload::Case>& cases,
    const Settings& settings, const std::filesystem::path& scratch,
    const std::function<void(const std::string&)>& tell);

}  // namespace mlbench::run
