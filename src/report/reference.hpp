#pragma once

#include "report/model.hpp"

#include <filesystem>
#include <string>
#include <vector>

/// A machine among known ones: what other programs published, and what makers publish, beside what
/// a run measured here.
namespace mlbench::report {

struct ReferenceRow {
  std::string kind;       ///< "GEMM float16", "copy", "memory bandwidth".
  std::string machine;    ///< "Apple M5 · 10 GPU cores · 24.0 GiB".
  std::string framework;  ///< "PyTorch (mps)"; "published" for a maker's number.
  std::string label;      ///< The case that reached it.
  double rate = 0;
  workload::RateUnit unit = workload::RateUnit::flop_per_s;
  std::string source;               ///< Where the number is from.
  std::vector<std::string> doubts;  ///< Kinds (docs/import.md); a doubtful row leads no list.
  bool here = false;                ///< Measured by the run that is shown.
};

/// The best of each machine and framework, of every kind of case that `here` measured, the fastest
/// first and doubtful ones last; then published memory bandwidths around the one measured here.
[[nodiscard]] std::vector<ReferenceRow> reference_rows(const Report& here,
                                                       const std::vector<Report>& known);

/// The reference set that ships with the program (data/reference.jsonl), and the runs that were
/// imported into `folder`; broken files there are left out.
[[nodiscard]] std::vector<Report> known_runs(const std::filesystem::path& folder);

[[nodiscard]] std::string reference_text(const std::vector<ReferenceRow>& rows);
[[nodiscard]] Json reference_json(const std::vector<ReferenceRow>& rows);

}  // namespace mlbench::report
