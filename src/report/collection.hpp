#pragma once

#include "report/model.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// Many runs, of many machines, as one table: who is fastest at what.
namespace mlbench::report {

/// A case on a machine with a framework, as one run found it.
struct CollectionRow {
  std::string machine;    ///< "Apple M5 · 10 GPU cores · 24 GiB".
  std::string framework;  ///< "PyTorch 2.13.0 (mps)".
  std::string case_label, workload, dtype;
  std::optional<double> time_s, rate;
  workload::RateUnit unit = workload::RateUnit::op_per_s;
  std::optional<double> spread;  ///< Half of the 95 % range of the rate, as a share of it.
  std::optional<double> ceiling_fraction;
  std::string status;               ///< "ok", or why there is no result.
  std::vector<std::string> doubts;  ///< Flags of a measurement, kinds of doubt of an imported row.
  bool imported = false;            ///< Not measured by this program.
  std::string run;                  ///< Path of the journal.
};

struct Collection {
  std::vector<CollectionRow> rows;
  std::vector<std::string> refused;  ///< Sentences about journals that could not be read.
  int runs = 0;
};

/// Rows of one run: its measured cases and its imported ones; skipped cases are left out.
[[nodiscard]] std::vector<CollectionRow> collection_rows(const Report& report);

/// One self-contained HTML file: the rows with filters, sorting and pages.
[[nodiscard]] std::string to_html(const Collection& collection);

/// The document of `report --json` over very many runs: schema "mlbench.collection/1" of
/// docs/json.md.
[[nodiscard]] Json to_json(const Collection& collection);

/// The best rate of each case and unit, one line each, the cases that most machines have first.
[[nodiscard]] std::string to_text(const Collection& collection);

}  // namespace mlbench::report
