#pragma once

#include "core/error.hpp"
#include "machine/machine.hpp"
#include "run/support.hpp"
#include "store/run_data.hpp"

#include <filesystem>
#include <vector>

/// The support map that `mlbench list --support` found, kept beside the journals, so that later
/// runs of the same frameworks on the same machine can show it.
namespace mlbench::cli {

/// Writes `<results>/support.json`. Errors: `io`, naming the file.
[[nodiscard]] Status keep_support(const std::filesystem::path& results,
                                  const machine::Machine& machine,
                                  const std::vector<store::SubjectRecord>& subjects,
                                  const std::vector<run::SupportRow>& rows);

/// Journal lines of type "support" for those subjects of `run` that the kept map was probed with:
/// same machine, framework version, build and device. Empty where there is none, or none that fits.
[[nodiscard]] std::vector<Json> kept_support(const std::filesystem::path& results,
                                             const machine::Machine& machine,
                                             const store::RunData& run);

}  // namespace mlbench::cli
