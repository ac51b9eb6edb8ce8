#pragma once

#include "machine/machine.hpp"
#include "plan/plan.hpp"
#include "run/worker.hpp"
#include "store/journal.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mlbench::run {

/// Version of the way of measuring. Raised when old and new numbers are not comparable any more
/// (what is timed, warm-up, estimator, default sizes); `compare` refuses to mix versions.
/// 3: intervals are wider by stats::kSequentialInflation; controls run between the cases.
/// 4: on GPUs each block leads in until its samples have settled.
inline constexpr int kMethodVersion = 4;

/// How to measure; docs/method.md explains each.
struct Settings {
  plan::Preset preset = plan::Preset::standard;
  double target = 0.01;       ///< A case is settled when its interval's half-width is below this.
  double budget_s = 360;      ///< Measuring time of the whole run.
  double case_budget_s = 60;  ///< Measuring time of one case.
  int min_rounds = 6;         ///< Fewer process pairs give no verdict.
  int max_rounds = 30;
  /// A case that is not settled goes on beyond case_budget_s and max_rounds while the run's budget
  /// has time that no other case needs: for who asks for a budget.
  bool share_budget = false;
  double control_target = 0.02;  ///< The same for controls, where it is wider.
  int rows = 20;                 ///< Block pairs a process pair at most.
  double block_s = 0.03;         ///< Length of a block.
  /// Warm-up of one process: empty takes 0.2 to 2 s on a CPU, 0.5 to 5 s on a GPU.
  std::optional<double> warm_min_s, warm_max_s;
  /// Cases of subjects that are measured alone: untimed work without a pause before the blocks of
  /// each process. It rests for half as long before that.
  double sustain_s = 5;
  double timeout_s = 60;   ///< How long a worker may be silent beyond the work it was asked for.
  std::uint64_t seed = 1;  ///< Of the inputs and of the random order.
};

/// What the runner tells while it works; every function may be empty. Called between blocks only.
struct Observer {
  std::function<void(const std::string&)>
      step;  ///< What happens now: "round 2 of 6: gemm/float32/512".
  std::function<void(const store::RunData&)> round_done;  ///< After every round.
};

/// A comparison to make between two subjects of the run, by name.
struct PairPlan {
  std::string a, b;
  bool control = false;
};

/// A case that tests the run itself: `subject` against a second process of itself, which does
/// `extra_work` (a share, 0 for none) more real work.
struct ControlPlan {
  std::string subject;
  workload::Case definition;
  double extra_work = 0;
};

/// Seconds for the rounds that are still needed after the first two took `used_s`: the rest of the
/// budget, but half of it at least. Preparing and checking gigabytes may alone take longer than the
/// budget, and leaving out what is cheap would not bring that time back.
[[nodiscard]] double time_left_s(double budget_s, double used_s);

/// Whether a journal's "machine" names one kind of core. Where there are large and small ones, the
/// system's scheduler knows which a program gets, and processes are not placed.
[[nodiscard]] bool cores_are_alike(const Json& machine);

enum class Ending { finished, budget_spent, interrupted };

/// Measures by rounds of fresh processes and interleaved blocks, and writes everything to
/// `journal`.
class Runner {
 public:
  Runner(store::Journal& journal, Settings settings, const std::vector<Subject>& subjects,
         Observer observer);

  /// Starts each subject once, asks what it is (line "subject") and keeps it running for scout().
  /// A subject that cannot be used is recorded with its reason and left out from here on.
  [[nodiscard]] Status describe_subjects();

  /// Asks what the devices can do at most (lines "ceiling"), of each framework and device once and
  /// in about `budget_s`; most workers have no kernels for it.
  [[nodiscard]] Status probe_ceilings(double budget_s);

  /// Lets every usable subject prove that it waits for its device (line "self_test"). One that does
  /// not is `failed`, and left out from here on.
  [[nodiscard]] Status prove_waiting();

  /// Tries the candidates, smallest first, with a few calls each, and stops in a family as soon as
  /// a call of the next one would take over `longest_s`; what it would take is extrapolated from
  /// its work. Nothing of this counts as a measurement.
  [[nodiscard]] Result<plan::Estimates> scout(const plan::Candidates& candidates, double longest_s);

  /// Tries the candidates of a control on one subject until a call takes over `longest_s`. Call it
  /// before scout(), while the workers of describe_subjects() still run.
  [[nodiscard]] Result<plan::Estimates> scout_control(const std::string& subject,
                                                      const plan::Family& family, double longest_s);

  /// Declares pairs, cases and controls in the journal; what is left out is recorded as `skipped`,
  /// or as what it came to when it was tried.
  [[nodiscard]] Status declare(const std::vector<PairPlan>& pairs, const plan::Selection& selection,
                               const std::vector<ControlPlan>& controls);

  /// Measures the declared cases until all are settled or have used their own time (with
  /// Settings::share_budget: the run's), the budget is spent or the user stops it.
  /// Goes on after the rounds that the journal already holds.
  [[nodiscard]] Result<Ending> measure();

 private:
  struct Side;       // one subject while the run lasts
  struct CaseState;  // one case while the run lasts
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Names of the subjects that can be used, in order.
[[nodiscard]] std::vector<std::string> usable_subjects(const store::RunData& run);

}  // namespace mlbench::run
