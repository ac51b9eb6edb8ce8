#pragma once

#include "store/run_data.hpp"

#include <string>
#include <vector>

/// What two runs, or two groups of runs, were measured with: the first thing to look at when their
/// times differ.
namespace mlbench::compare {

/// A subject of the base and the one of the new side that it is compared with.
struct SubjectMatch {
  std::string base, now;
};

/// How much a difference matters.
enum class Weight {
  note,     ///< Shown; often the very thing that is being compared.
  refusal,  ///< The two did not measure the same, or not in the same way.
};

struct SetupDifference {
  std::string what;       ///< "MLX version", "threads of torch:cpu", "load".
  std::string base, now;  ///< Values as people read them; "unknown" where a side does not say.
  Weight weight = Weight::note;

  [[nodiscard]] std::string sentence() const;  ///< "MLX version: 0.31.0 in BASE, 0.32.4 in NEW"
};

/// Differences between the runs of both sides: machine, system, power and thermal state, load,
/// program and build, method, seed, settings of measuring, and everything that the matched subjects
/// say of themselves. Runs of one side that disagree among themselves where they must not are a
/// refusal. Needs at least one run a side.
[[nodiscard]] std::vector<SetupDifference> setup_differences(
    const std::vector<store::RunData>& base, const std::vector<store::RunData>& now,
    const std::vector<SubjectMatch>& subjects);

/// Whether all runs come from one machine: model, CPU, cores, GPUs, memory.
[[nodiscard]] bool same_machine(const std::vector<store::RunData>& base,
                                const std::vector<store::RunData>& now);

/// Whether two subjects are the same program: framework, version, BLAS, build, threads and
/// environment. Such a subject can serve as control.
[[nodiscard]] bool same_program(const store::SubjectRecord& x, const store::SubjectRecord& y);

}  // namespace mlbench::compare
