#pragma once

#include "run/runner.hpp"

#include <map>
#include <random>

namespace mlbench::run {

/// Block pairs a slot at least: one ABBA.
inline constexpr int kFewestRows = 2;

/// What a case's blocks look like; fixed in its first round, the same for all rounds.
struct SlotPlan {
  int calls = 0;                         ///< Calls a sample, equal for all subjects; 0 until known.
  std::map<std::string, double> call_s;  ///< Seconds a call by subject.
  double sync_overhead_s = 0;            ///< Of waiting for an idle device; the slowest subject's.
  double extra_work = 0;                 ///< Share of work that a control's second process adds.
  double blocks_s = 0;                   ///< What the blocks of the last slot took together.
  int rows = 0;  ///< Block pairs a slot; 0 until known. A short budget may lower it later.
};

/// What the run's budget leaves for one slot of a case, if the case gets its fewest rounds, and if
/// it gets the most.
struct SlotTime {
  double fewest_rounds_s = 0, most_rounds_s = 0;
};

/// Block pairs of a case in one process pair, where one takes `row_s`: as many as take twice the
/// time that it took to get ready, `ready_s`, or more where the budget would otherwise be left over
/// after the most rounds; no more than the budget leaves for the fewest. Noise within a process
/// falls with their number, noise between processes does not, and a third of the time goes into
/// starting and warming up. At most `most`, never fewer than one ABBA.
[[nodiscard]] int rows_for(double ready_s, const SlotTime& allowed, double row_s, int most);

/// A subject that takes part, and its running worker.
struct SlotSide {
  const Subject* subject = nullptr;
  Worker* worker = nullptr;
  bool fresh = false;  ///< The first case of this process.
  /// What the check of its large output before the blocks found, and digest_of() that output.
  Json checked = {};
  std::string digest = {};
};

struct SlotContext {
  store::Journal& journal;
  const Settings& settings;
  std::mt19937_64& random;
  const workload::Case& definition;
  workload::Checker& checker;
  const std::filesystem::path& scratch;
  std::vector<std::byte>& output_buffer;  ///< Memory for one output, kept from slot to slot.
  int round = 0;
  SlotTime allowed = {};
  std::optional<int> cpu = {};        ///< The one that all sides are placed on, where they are.
  std::vector<pid_t> processes = {};  ///< Of all workers that run, those of other cases included.
};

/// Seconds of extra patience for building and computing a case on a slow device.
[[nodiscard]] double work_timeout_s(const workload::Case& c);

/// One case in one round: prepare, check, warm up, interleaved blocks, check again, release. A
/// subject that fails is recorded and drops out; the others go on.
class Slot {
 public:
  Slot(SlotContext context, SlotPlan& plan, std::vector<SlotSide> sides);

  /// Names of the subjects whose worker is gone. Errors: `io` when the journal cannot be written.
  [[nodiscard]] Result<std::vector<std::string>> run();

 private:
  [[nodiscard]] Status prepare(SlotSide& side);
  [[nodiscard]] std::filesystem::path output_path(const SlotSide& side) const;
  [[nodiscard]] Status check(SlotSide& side, const char* source);
  [[nodiscard]] Result<bool> is_as_checked(SlotSide& side);
  [[nodiscard]] Status check_last(SlotSide& side);
  [[nodiscard]] Status warm(SlotSide& side);
  void plan_calls();
  void plan_rows(double ready_s);
  [[nodiscard]] int extra_calls(const SlotSide& side) const;
  [[nodiscard]] Result<std::optional<double>> fastest_s(SlotSide& side, int calls, int samples);
  [[nodiscard]] Status check_linearity(SlotSide& side);
  [[nodiscard]] Status block(SlotSide& side, int row, int position);
  [[nodiscard]] Status measure();
  [[nodiscard]] Status rows();
  [[nodiscard]] Status for_each_side(Status (Slot::*step)(SlotSide&));

  [[nodiscard]] Answer ask(SlotSide& side, const char* verb, Json body, double extra_s = 0);
  /// Records why `side` drops out; the side is then no longer taking part.
  [[nodiscard]] Status drop(SlotSide& side, const CallFailure& failure);
  [[nodiscard]] int samples_for(const std::string& subject) const;
  [[nodiscard]] Json line(const char* type, const SlotSide& side) const;

  SlotContext context_;
  SlotPlan& plan_;
  std::vector<SlotSide> sides_;
  std::vector<std::string> gone_;
  bool interrupted_ = false;
};

}  // namespace mlbench::run
