#pragma once

#include "compare/as_used.hpp"
#include "compare/ceilings.hpp"
#include "compare/conditions.hpp"
#include "compare/controls.hpp"
#include "fit/target.hpp"
#include "machine/published.hpp"
#include "store/run_data.hpp"

#include <optional>
#include <string>
#include <vector>

/// The one view of a run that every printer shows. Numbers are computed here, once; a printer only
/// formats them.
namespace mlbench::report {

/// A rate with the range of its time: value at the median time, low at the slow end.
struct Rate {
  double value = 0;
  std::optional<double> low, high;
  workload::RateUnit unit = workload::RateUnit::flop_per_s;
};

/// One case on one subject.
struct Entry {
  std::string subject;
  store::CaseStatus status = store::CaseStatus::ok;
  std::string reason;
  std::optional<stats::TimeSummary> time;
  std::optional<Rate> rate;
  std::optional<double> ceiling_fraction;  ///< Share of the roof that binds it; `share` has more.
  std::optional<compare::Share> share;
  std::string kernel;
  std::vector<std::string> notes, flags;
  std::optional<store::CheckRecord> check;
  compare::CellConditions conditions;
  /// `flags`, and those that the conditions of the subject and of the case call for.
  std::vector<std::string> all_flags;
};

struct Row {
  std::string case_id, label;  ///< "gemm/float32/1024", "GEMM float32 1024".
  std::string workload, dtype;
  Json params;                                 ///< The workload's own.
  workload::Work work;                         ///< Of one call.
  bool alone = false;                          ///< workload::Variant::alone.
  std::vector<Entry> entries;                  ///< In the order of the subjects.
  std::vector<compare::CaseVerdict> verdicts;  ///< In the order of the pairs.
  /// Of each verdict, the ratio of the clocks of b and a; compare/conditions.hpp.
  std::vector<std::optional<stats::RatioInterval>> clock_ratios;
  compare::CaseConditions conditions;
  /// No subject was measured, by plan; those that cannot compute it aside.
  [[nodiscard]] bool is_skipped() const;
};

struct SubjectView {
  std::string name, title;  ///< "torch:cpu", "PyTorch".
  std::string framework, device, version;
  std::string blas;  ///< What is bound, e.g. "OpenBLAS 0.3.21"; empty when unknown.
  store::CaseStatus status = store::CaseStatus::ok;
  std::string reason;
  Json facts;
  /// Whether it was seen to wait for its device; empty for runs without a self-test.
  std::optional<store::SelfTestRecord> self_test;
};

/// A question that a reader has, and what the run answers: "right answers", "yes, all 24".
struct Fact {
  std::string name, answer;
};

/// A limit of the machine's memory: "one buffer", 13.3 GiB, where the number comes from.
struct MemoryLimit {
  std::string name;
  std::uint64_t bytes = 0;
  std::string source;

  /// From a rule for such machines: nobody has read it on this one.
  [[nodiscard]] bool is_derived() const { return source.starts_with("derived"); }
};

struct Report {
  std::string run;  ///< Path of the journal.
  Json header;
  std::string headline;                                   ///< The machine in one line.
  std::optional<machine::Published> published_bandwidth;  ///< From the data sheet, not measured.
  std::vector<SubjectView> subjects;
  std::vector<Fact> checks;         ///< What was made sure of; a check that was not made is absent.
  std::vector<MemoryLimit> limits;  ///< Known ones only.
  std::vector<Json> limits_tried;   ///< Every row of the search for limits; docs/json.md.
  std::vector<Row> rows;
  std::vector<compare::Control> controls;  ///< Of the run itself; their cases are no rows.
  std::vector<compare::AsUsed> as_used;
  std::vector<compare::Ceiling> ceilings;
  std::vector<store::ImportedRecord> imported;  ///< Results of another program; no verdicts.
  std::vector<std::string> doubts;              ///< Whole sentences.
  std::optional<double> duration_s;
  std::optional<std::string>
      ending;  ///< "finished", "budget_spent", "interrupted"; empty while it runs.

  [[nodiscard]] const SubjectView* find_subject(const std::string& name) const;
  /// Cells that were tried and came to no result: what exit code 6 stands for.
  [[nodiscard]] int failures() const;
};

[[nodiscard]] Report build_report(const store::RunData& run, const std::string& path);

/// The document that `--json` prints: schema "mlbench.report/1" of docs/json.md.
[[nodiscard]] Json to_json(const Report& report);

/// `controls` of that document.
[[nodiscard]] Json controls_json(const Report& report);

/// "PyTorch", "MLX", "native"; others as they are called.
[[nodiscard]] std::string framework_title(const std::string& framework);

/// The machine as the run's own subjects know it.
[[nodiscard]] machine::Machine machine_of(const Report& report);

/// What the run learned of the machine's speed, for predictions.
[[nodiscard]] fit::Measured measured_of(const Report& report);

}  // namespace mlbench::report
