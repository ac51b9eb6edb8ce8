#pragma once

#include "machine/machine.hpp"
#include "plan/config.hpp"
#include "workload/family.hpp"
#include "workload/workload.hpp"

#include <map>
#include <optional>
#include <set>
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

using workload::Catalogue;

/// The lists of `config` where it has them, the defaults elsewhere.
[[nodiscard]] Catalogue catalogue_of(const Config& config);

/// A workload's family on this machine: what fits, ascending by work.
struct Family : workload::Family {
  int take = 0;  ///< How many the preset takes.
};

/// A candidate that is not measured, and why.
struct LeftOut {
  workload::Case definition;
  std::string reason;
};

struct Candidates {
  std::vector<Family> families;
  std::vector<LeftOut> left_out;  ///< Too large for this machine's memory, or not in the preset.
  /// Ids of those that fit into memory once, and not in all processes together.
  std::set<std::string> alternating;
  bool named = false;  ///< By --only: then no preset's number of cases limits them.
};

/// All candidates that `only` (globs over ids; empty: all) lets through and that fit:
/// `live_processes` processes hold a case at the same time and may together take the share of the
/// available memory that its family states; a case that only one of them could hold is measured by
/// whole processes that alternate. What `only` names is taken whatever the preset's share.
/// The GPUs of `machine` are those that are measured: what they can hold limits the cases too.
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

/// Measuring time that a case is expected to take until it may be settled: six rounds of warm-up
/// and blocks of every subject that can run it (docs/method.md). 0 when none can.
[[nodiscard]] double expected_case_s(const std::map<std::string, Estimate>& by_subject);
/// The same for a case that is measured alone, after `sustain_s` of work and half as long a rest.
[[nodiscard]] double expected_alone_s(const std::map<std::string, Estimate>& by_subject,
                                      double sustain_s);

/// A chosen case that not every kind of device measures: what keeps a GPU busy can take a CPU
/// minutes.
struct Exclusion {
  std::string case_id, subject, reason;
};

struct Selection {
  std::vector<workload::Case> chosen;  ///< In the order of the families.
  std::vector<LeftOut> left_out;
  std::vector<Exclusion> excluded;
  std::set<std::string> alternating = {};  ///< Ids of those in `chosen` that no two may hold.
};

/// Whether `live_processes` processes cannot hold `c` together in nine tenths of what is available:
/// for cases that are measured whatever a family's share of the memory is.
[[nodiscard]] bool must_alternate(const workload::Case& c, const machine::Machine& machine,
                                  int live_processes);

/// Takes from each family what the preset allows, given how long a call takes on the slowest
/// subject; for CPUs and for GPUs on their own. A case that no subject could run is left out with
/// the first reason.
[[nodiscard]] Selection select(const Candidates& candidates, const Estimates& estimates,
                               Preset preset);

/// Which of the chosen cases are measured once more with each subject alone and sustained.
enum class Alone { none, headline, all };
[[nodiscard]] std::string_view name_of(Alone which) noexcept;
/// `none` for a name that is none.
[[nodiscard]] Alone parse_alone(std::string_view name) noexcept;

/// Seconds of work before the blocks of a subject that is measured alone, and what a run may take.
struct AloneTime {
  double sustain_s = 0, budget_s = 0;
};

/// Adds the `/alone` twin of chosen cases to `selection`, as alternating, for the subjects that
/// measure the case itself: of all, or of those that the default preset would choose too, as many
/// as take a quarter of the budget at most; the others are left out with that reason.
void add_alone(Selection& selection, const Candidates& candidates, const Estimates& estimates,
               Alone which, const AloneTime& time);

/// Seconds that a call of `next` is expected to take after `previous` took `previous_s`: the same
/// rate.
[[nodiscard]] double extrapolate_s(const workload::Case& previous, double previous_s,
                                   const workload::Case& next);

}  // namespace mlbench::plan
