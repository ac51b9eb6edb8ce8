#pragma once

#include "run/budget.hpp"
#include "run/runner.hpp"
#include "run/slot.hpp"

#include <chrono>
#include <map>
#include <random>

/// What a Runner holds while it works, for the files of src/run only: runner.cpp measures in
/// rounds, scout.cpp finds out what can be measured, budget.cpp decides when it is enough.
namespace mlbench::run {

using Clock = std::chrono::steady_clock;

[[nodiscard]] inline double since_s(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One subject while the run lasts.
struct Runner::Side {
  Subject subject;
  bool usable = true;
  int failed_starts = 0;
  std::optional<Worker> worker;
  bool is_placed = false;  ///< Its process may use one CPU only.

  [[nodiscard]] bool is_twin() const { return !subject.twin_of.empty(); }
};

/// One case while the run lasts.
struct Runner::CaseState {
  workload::Case definition;
  std::unique_ptr<workload::Checker> checker;
  SlotPlan plan;
  double spent_s = 0, last_slot_s = 0;
  bool active = true;
  bool is_control = false;
  bool alternating = false;  ///< One living process at a time.
};

struct Runner::Impl {
  store::Journal& journal;
  Settings settings;
  std::vector<Side> sides;  ///< The subjects, then their twins for controls, in the same order.
  Observer observer;
  std::mt19937_64 random;
  std::vector<CaseState> cases;
  std::filesystem::path scratch;
  std::vector<std::byte> output_buffer;  ///< Of one round; SlotContext.
  std::map<std::pair<std::string, std::string>, CallFailure> failed_trials;  // by case, subject
  std::vector<int> cpus;  ///< Where processes may be placed; empty: nowhere.

  [[nodiscard]] std::filesystem::path log_of(const Subject& s) const;
  void tell(const std::string& step) const {
    if (observer.step) observer.step(step);
  }
  [[nodiscard]] Side& side(const std::string& name);

  /// Starts a worker where none runs. False when it does not come up; a subject that fails to start
  /// three times is given up.
  [[nodiscard]] Result<bool> ensure_worker(Side& s, int round);
  void finish_workers();
  [[nodiscard]] std::vector<pid_t> processes() const;  ///< Of the workers that run.
  /// Ends all workers and waits where the system says that memory runs short. Empty when there is
  /// enough, else why the next case cannot be run.
  [[nodiscard]] std::optional<std::string> make_room();

  [[nodiscard]] Status write_subject(const Side& s, store::CaseStatus status,
                                     const std::string& reason, const Json& facts);
  [[nodiscard]] Status write_outcome(const std::string& case_id, const std::string& subject,
                                     store::CaseStatus status, const std::string& reason);

  // scout.cpp
  [[nodiscard]] Status describe(Side& s);
  [[nodiscard]] Status probe_ceilings(Side& s, double budget_s);
  [[nodiscard]] Status prove_waiting(Side& s);
  [[nodiscard]] Result<plan::Estimate> try_case(Side& s, const workload::Case& c);
  [[nodiscard]] Status scout_family(Side& s, const plan::Family& family, double allowed_s,
                                    plan::Estimates& estimates);
  [[nodiscard]] Status write_estimates(const plan::Estimates& estimates);
  [[nodiscard]] Status leave_out(const std::string& case_id, const std::string& subject,
                                 const std::string& reason);
  [[nodiscard]] Status declare_case(const workload::Case& c, const ControlPlan* control = nullptr,
                                    bool alternating = false);

  // budget.cpp
  [[nodiscard]] CaseNeed need_of(const CaseState& state) const;
  /// Sets which cases are active in the next round; false when none is.
  [[nodiscard]] bool choose_cases(double left_s);
  /// Whether a longer budget would have been used.
  [[nodiscard]] bool lacks_time() const;
  /// For one case in one round, when all active cases get an equal share of the budget.
  [[nodiscard]] SlotTime allowed_slot_time() const;
  [[nodiscard]] Status fit_into_budget(double round_s, double used_s);
  [[nodiscard]] Status drop(CaseState& state, const std::string& reason);

  // runner.cpp
  void restore();
  [[nodiscard]] std::vector<std::string> participants(const workload::Case& c) const;
  [[nodiscard]] Result<bool> run_round(int round);
  void take_calls_of_usual_case(CaseState& state);
  void rest(double seconds) const;
  /// A case in a round: its subjects together, or one after the other where it alternates.
  [[nodiscard]] Status run_case(CaseState& state, int round);
  [[nodiscard]] std::optional<int> place(const std::vector<std::string>& subjects, int round);
  [[nodiscard]] Status run_slot(CaseState& state, int round,
                                const std::vector<std::string>& subjects);
};

}  // namespace mlbench::run
