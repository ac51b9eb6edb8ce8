#pragma once

#include "core/error.hpp"
#include "core/json.hpp"
#include "store/flat_line.hpp"
#include "workload/workload.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

/// What a run found, as its journal tells it (docs/run-file.md). The same code folds a line in
/// while the run writes it and when the file is read again, so a report cannot differ between the
/// two.
namespace mlbench::store {

/// How a case ended for one subject. The names are their JSON spelling.
enum class CaseStatus {
  ok,
  unsupported,
  out_of_memory,
  timed_out,
  crashed,
  failed,
  wrong_result,
  skipped,
};
[[nodiscard]] std::string_view name_of(CaseStatus status) noexcept;
[[nodiscard]] std::optional<CaseStatus> parse_case_status(std::string_view name) noexcept;
/// Whether the case was tried and did not come to a result: what exit code 6 counts.
[[nodiscard]] bool is_failure(CaseStatus status) noexcept;

/// One block: the samples of one subject between two switches. `samples_s` are seconds per call,
/// without the lead-in sample (the journal keeps it).
struct BlockRecord {
  int round = 0;
  int row =
      0;  ///< Blocks of one row are adjacent in time: row 0 of a and row 0 of b are a block pair.
  std::int64_t start_ns = 0;
  std::vector<double> samples_s;
  std::vector<double> token_times_s = {};  ///< Seconds from token to token; decode only.
  std::optional<std::int64_t> framework_peak_bytes = std::nullopt,
                              process_peak_bytes = std::nullopt;
  /// Of a fixed chain of arithmetic right before the block; of all waiting workers together while
  /// it ran.
  std::optional<double> spin_s = std::nullopt, waiters_cpu_s = std::nullopt;
  /// Of a fixed amount of arithmetic on a GPU right after the block, and what its driver told then.
  std::optional<double> device_spin_s = std::nullopt, gpu_clock_hz = std::nullopt,
                        gpu_temperature_c = std::nullopt, gpu_power_w = std::nullopt;
  std::vector<std::string> gpu_clock_reasons = {};
  /// What happened to the machine meanwhile that neither program did: "suspended", "paused",
  /// "gpu_power_brake". Its block pairs are in no ratio.
  std::vector<std::string> outside = {};
  std::optional<std::int64_t> involuntary_switches = std::nullopt;
  double duration_s = 0;  ///< All samples with their lead-in.
  /// Before them, in the same request: the chain of arithmetic and, on GPUs, what was made until
  /// the device had settled.
  double lead_in_s = 0;
};

/// What the machine did while the blocks of a case ran in one round; every field is empty where the
/// system does not tell it. docs/run-file.md, `state`.
struct SlotState {
  int round = 0;
  /// Shares of the CPU time of all cores: of programs that are not ours, and of the hypervisor.
  std::optional<double> other_fraction, steal_fraction;
  std::optional<double> cpu_pressure_fraction, memory_pressure_fraction;
  std::optional<std::int64_t> swapped_in_bytes, cpu_throttle_count;
  std::optional<double> load_1m, cpu_clock_hz, cpu_temperature_c;
  std::optional<std::string> thermal_state, power_source;
  std::optional<bool> low_power_mode;
  std::optional<double> gpu_clock_hz, gpu_temperature_c, gpu_power_w;
  std::vector<std::string> gpu_clock_reasons;
};

/// What the machine was doing when a round had been measured. docs/run-file.md, `round`.
struct RoundState {
  std::optional<double> load_1m;
  std::optional<std::string> thermal_state, power_source;
  std::optional<bool> low_power_mode;
};
/// One comparison with the reference.
struct CheckRecord {
  bool ok = false;
  std::string method, detail;
  std::optional<double> max_error, tolerance;
  std::optional<double> output_error;  ///< Of quantised weights: workload::CheckResult.
  std::string output_error_of;         ///< The id of the case that it was computed for.
};

/// Everything known of one case on one subject.
struct Cell {
  CaseStatus status = CaseStatus::ok;
  std::string reason;  ///< Why the status is not ok.
  std::string kernel;
  std::vector<std::string> notes;
  std::vector<std::string>
      flags;  ///< "unsettled", "nonlinear", ... as docs/warnings.md lists them.
  std::optional<std::int64_t> weight_bytes;  ///< Of a model, on the device.
  std::optional<CheckRecord> check;
  std::optional<int> calls;                ///< Calls a sample.
  int extra_calls = 0;                     ///< Made and timed in a sample beyond `calls`.
  std::optional<double> first_call_s;      ///< Of the first round.
  int warmups = 0, unsettled_warmups = 0;  ///< "unsettled" is flagged when it is most of them.
  std::vector<BlockRecord> blocks;         ///< Of finished slots only.
};

/// A case that is there to test the run itself: one subject against a second process of its own.
struct ControlRecord {
  std::string subject;
  double extra_work = 0;  ///< Share of real work added to the second process; 0: identical.
};

struct CaseRecord {
  workload::Case definition;
  std::optional<ControlRecord> control;  ///< Empty: an ordinary case.
  /// Its blocks are not interleaved: in each round the subjects' processes run one after the other.
  bool alternating = false;
  workload::Work work;                ///< Of one call.
  std::map<std::string, Cell> cells;  ///< By subject.
  std::vector<SlotState> states;      ///< In order of rounds; of unfinished slots too.
};

struct SubjectRecord {
  std::string name;  ///< framework[@env]:device
  std::string framework, device;
  CaseStatus status = CaseStatus::ok;
  std::string reason;
  Json facts = Json::object();  ///< The worker's reply to describe.
};

/// What a ceiling kernel reached before anything else was measured.
struct CeilingRecord {
  std::string subject;
  std::string resource;  ///< "bytes_per_s", or a dtype for FLOP/s.
  double rate = 0;
  std::optional<double> working_set_bytes;  ///< Of bandwidth.
  std::string name;                         ///< Of the kernel.
  std::optional<int> threads;
};

/// Whether a subject was seen to wait for its device before it was measured.
struct SelfTestRecord {
  std::optional<bool> waited;  ///< nullopt: it could not be tested.
  std::string reason;          ///< Why it was not seen to; empty where it was.
};

/// A comparison declared before anything was measured.
struct PairRecord {
  std::string a, b;
  bool control = false;  ///< Compares a subject with itself; never a finding.
};

/// A result of another program (docs/run-file.md, "Imported rows"): one figure without samples, so
/// it takes part in no verdict.
struct ImportedRecord {
  std::string label;                       ///< "GEMM float16 4096".
  std::optional<std::string> case_id;      ///< Our case of the same work, if there is one.
  std::string workload, operation, dtype;  ///< As far as the source told.
  std::string subject, framework, device, model;
  CaseStatus status = CaseStatus::ok;
  std::string reason;
  std::optional<double> time_s, rate;
  workload::RateUnit unit = workload::RateUnit::op_per_s;  ///< Of rate.
  std::vector<std::string> doubts;  ///< Kinds of doubt that its source raised; docs/import.md.
};

/// What a subject did with a small case of an operation and dtype: a probe of `mlbench list
/// --support`, taken into a run of the same subjects.
struct SupportRecord {
  std::string subject, case_id, workload, dtype;
  Json params = Json::object();  ///< The workload's own.
  std::string support;           ///< "native", "slow", "fallback", "unsupported", "wrong".
  std::string reason, kernel;
  std::optional<double> call_s;
  std::string probed;  ///< When, UTC.
};

class RunData {
 public:
  /// Folds one line in. Unknown types are skipped. Errors: `io`, naming the field, for a line of a
  /// known type that lacks what it must have.
  [[nodiscard]] Status add(const Json& line);
  /// The same for the types of line that make up most of a file; false for all others, and where
  /// add() has an error to tell.
  [[nodiscard]] bool add_flat(const FlatLine& line);

  Json header = Json::object();  ///< The line of type "run".
  std::vector<SubjectRecord> subjects;
  std::vector<CeilingRecord> ceilings;
  std::vector<Json> limits;                          ///< Lines of type "limit".
  std::map<std::string, SelfTestRecord> self_tests;  ///< By subject; the last of each.
  std::vector<PairRecord> pairs;
  std::vector<CaseRecord> cases;
  bool planned = false;  ///< All pairs and cases are declared; a run cut off before plans again.
  std::set<int> finished_rounds;
  RoundState begun;                      ///< When the run began.
  std::vector<RoundState> round_states;  ///< Of finished rounds, in order.
  int last_round = -1;                   ///< The last round that began, finished or cut off.
  std::vector<Json>
      notices;              ///< Lines of type "notice": what the program wants the reader to know.
  std::optional<Json> end;  ///< The last line of type "end", if the run came to an end.
  std::vector<ImportedRecord> imported;      ///< Only in a run that `mlbench import` wrote.
  std::vector<std::string> imported_doubts;  ///< Sentences.
  std::vector<SupportRecord> support;        ///< Probes from before the run.

  [[nodiscard]] const SubjectRecord* find_subject(std::string_view name) const;
  [[nodiscard]] const CaseRecord* find_case(std::string_view id) const;
  [[nodiscard]] const Cell* find_cell(std::string_view case_id, std::string_view subject) const;
  /// Rounds in which `case_id` was measured to the end, in order.
  [[nodiscard]] const std::set<int>& rounds_of(const std::string& case_id) const;
  /// Seconds that `case_id` took in a round, all subjects together, on average; 0 when unknown.
  [[nodiscard]] double mean_slot_s(const std::string& case_id) const;

 private:
  Status add_run(const Json& line);
  Status add_subject(const Json& line);
  Status add_ceiling(const Json& line);
  Status add_case(const Json& line);
  template <class Line>
  Status add_outcome(const Line& line);
  template <class Line>
  Status add_prepared(const Line& line);
  template <class Line>
  Status add_check(const Line& line);
  template <class Line>
  Status add_warm(const Line& line);
  template <class Line>
  Status add_block(const Line& line);
  template <class Line>
  Status add_slot(const Line& line);
  template <class Line>
  Status add_state(const Line& line);
  Status add_imported(const Json& line);
  Status add_support(const Json& line);
  CaseRecord* case_named(const std::string& id);
  template <class Line>
  Result<Cell*> cell_of(const Line& line);

  struct PendingBlock {
    std::string subject;
    BlockRecord block;
  };
  // Blocks wait here until their slot is finished: a round that a crash or a kill cut off does not
  // count.
  std::map<std::pair<std::string, int>, std::vector<PendingBlock>> pending_;
  std::map<std::string, std::set<int>> slots_;
  std::map<std::string, double> slot_s_;                     // sum over the slots that tell
  std::unordered_map<std::string, std::size_t> case_index_;  ///< Place in `cases`, by id.
};

}  // namespace mlbench::store
