#pragma once

#include "machine/machine.hpp"
#include "plan/config.hpp"
#include "workload/gemm.hpp"
#include "workload/workload.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// Which cases a run measures on this machine, and why it leaves others out.
namespace mlbench::plan {

enum class Preset { quick, standard, full };
[[nodiscard]] std::string_view name_of(Preset preset) noexcept;

/// What a preset promises.
struct PresetLimits {
  int most_cases;   ///< Headline cases at most.
  double call_s;    ///< The slowest subject's call may take this long.
  double budget_s;  ///< Measuring time.
  double target;    ///< Half-width of the interval at which a case is settled.
};
[[nodiscard]] PresetLimits limits_of(Preset preset) noexcept;

/// What may be measured: the config file's lists, or the defaults.
struct Catalogue {
  std::vector<workload::DType> dtypes = {workload::DType::float32, workload::DType::float16,
                                         workload::DType::bfloat16};
  /// Square sizes. The small ones are for devices on which the larger take too long.
  std::vector<std::int64_t> gemm_sizes = {128, 256, 512, 1024, 2048, 4096, 8192};
  /// Shapes of LLM layers: m tokens through a weight [n, k].
  std::vector<workload::Gemm::Shape> gemm_shapes = {
      {1, 4096, 4096},  {8, 4096, 4096},  {128, 4096, 4096},  {512, 4096, 4096},
      {1, 4096, 14336}, {8, 4096, 14336}, {128, 4096, 14336}, {512, 4096, 14336}};
  std::vector<std::string> memory_ops = {"copy", "read", "write", "triad"};
  /// Bytes of one array. Empty: one size, four times the largest last-level cache of the CPU and
  /// the GPUs (J. McCalpin's rule for STREAM).
  std::vector<std::int64_t> memory_sizes_bytes;
};

/// The lists of `config` where it has them, the defaults elsewhere.
[[nodiscard]] Catalogue catalogue_of(const Config& config);

/// Candidates of one kind, ascending by work, of which a preset takes some.
struct Family {
  std::string name;  ///< "gemm float32", "memory copy".
  std::vector<workload::Case> candidates;
  int take = 0;                 ///< How many to take.
  bool largest = true;          ///< Take the largest that are quick enough; else the first ones.
  bool limited_by_time = true;  ///< Memory bandwidth needs its size, whatever the time.
};

/// A candidate that is not measured, and why.
struct LeftOut {
  workload::Case definition;
  std::string reason;
};

struct Candidates {
  std::vector<Family> families;
  std::vector<LeftOut> left_out;  ///< Too large for this machine's memory, or not valid.
};

/// All candidates that `only` (globs over ids; empty: all) lets through and that fit:
/// `live_processes` processes hold a case at the same time; gemms may take half of the available
/// memory together and memory arrays a quarter. The GPUs of `machine` are those that are measured:
/// what they can hold limits the cases too.
[[nodiscard]] Candidates candidates(const Catalogue& catalogue, Preset preset,
                                    const machine::Machine& machine, int live_processes,
                                    const std::vector<std::string>& only);

/// Seconds a call of a case takes on one subject: measured by a few calls, or extrapolated from the
/// next smaller case when that showed that it would take too long to try. Empty: why it cannot run.
struct Estimate {
  std::optional<double> call_s;
  std::string reason;
};
/// By case id, then subject.
using Estimates = std::map<std::string, std::map<std::string, Estimate>>;

/// A chosen case that not every kind of device measures: what keeps a GPU busy can take a CPU
/// minutes.
struct Exclusion {
  std::string case_id, subject, reason;
};

struct Selection {
  std::vector<workload::Case> chosen;  ///< In the order of the families.
  std::vector<LeftOut> left_out;
  std::vector<Exclusion> excluded;
};

/// Takes from each family what the preset allows, given how long a call takes on the slowest
/// subject; for CPUs and for GPUs on their own. A case that no subject could run is left out with
/// the first reason.
[[nodiscard]] Selection select(const Candidates& candidates, const Estimates& estimates,
                               Preset preset);

/// Seconds that a call of `next` is expected to take after `previous` took `previous_s`: the same
/// rate.
[[nodiscard]] double extrapolate_s(const workload::Case& previous, double previous_s,
                                   const workload::Case& next);

}  // namespace mlbench::plan
