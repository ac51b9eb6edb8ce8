#pragma once

#include "cli/context.hpp"
#include "cli/environments.hpp"
#include "run/runner.hpp"

#include <string>
#include <vector>

namespace mlbench::cli {

/// Which frameworks and devices a run is about.
struct SubjectChoice {
  std::vector<std::string> frameworks = {"torch", "mlx",
                                         "native"};  ///< Worker names, "fake@a" with a label.
  bool cpu_too = false;  ///< Measure the CPU also where a framework has an accelerator.
  std::string device;    ///< "cpu" or "gpu": only that kind; empty: the best each framework has.
  bool mlx_wheel_blas = false;  ///< MLX as shipped on Linux, with the reference BLAS of its wheel.
  std::vector<std::string> only;  ///< Globs over subject names; empty: all.
  /// "mlx@old" is the worker mlx of the environment called old; "mlx@wheel-blas" MLX as shipped.
  std::vector<Environment> environments;
};

/// As the journal's first line keeps it, so that a resumed run has the same subjects.
[[nodiscard]] Json to_json(const SubjectChoice& choice);
[[nodiscard]] SubjectChoice subject_choice_from_json(const Json& json);

/// Starts each worker once to learn its devices. A framework whose worker is missing or does not
/// start is still listed, with the reason, so that a report says why it is not there.
/// `native` is a ceiling for CPUs: where frameworks run on GPUs only, it is left out.
[[nodiscard]] std::vector<run::Subject> find_subjects(const Context& context,
                                                      const SubjectChoice& choice);

/// `machine` for planning: its GPUs are those that `run` measures, as their frameworks describe
/// them.
[[nodiscard]] machine::Machine planned_machine(machine::Machine machine, const store::RunData& run);

/// PyTorch against MLX on the same kind of device, then each against native on the CPU; declared
/// before anything is measured.
[[nodiscard]] std::vector<run::PairPlan> pairs_of(const std::vector<run::Subject>& subjects,
                                                  const std::vector<std::string>& usable);

/// Whether a framework is usable, and every usable one is on a GPU; `native` is none.
[[nodiscard]] bool all_on_gpus(const std::vector<run::Subject>& subjects,
                               const std::vector<std::string>& usable);

}  // namespace mlbench::cli
