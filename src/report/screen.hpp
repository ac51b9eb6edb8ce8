#pragma once

#include "report/left_out.hpp"
#include "report/model.hpp"

#include <string>
#include <vector>

/// The first screen, in words: what text and Markdown print and the page begins with.
namespace mlbench::report {

struct ScreenRow {
  std::string case_id, label;
  std::vector<std::string> cells;  ///< One a subject of the table: "3.58 ±1%".
  std::string winner, share;
  std::string bound;  ///< What binds it: "compute, 171 FLOP/B"; empty where no roof is known.
};

struct ScreenTable {
  std::string title, unit;            ///< "COMPUTE", "TFLOP/s".
  std::vector<std::string> subjects;  ///< Titles.
  std::vector<ScreenRow> rows;
};

struct Screen {
  std::string headline;
  std::vector<std::string> subjects;  ///< "PyTorch 2.13.0 (mps, 4 threads)".
  std::vector<Fact> checks;
  std::string key_finding;  ///< key_finding_words().
  std::vector<ScreenTable> tables;
  std::string published;     ///< The best bandwidth beside the data sheet's; empty where unknown.
  std::vector<Fact> limits;  ///< "one buffer", "13.3 GiB".
  std::vector<std::string> as_used;  ///< as_used_words().
  std::string model;  ///< Whether Mistral-7B fits, and its speed; empty when not known.
  std::vector<std::string> notes, left_out, doubts;
  bool finished = false;  ///< The run has come to an end, so that no doubts means none.
};

/// Everything of the first screen.
[[nodiscard]] Screen screen_of(const Report& report);

/// Only its tables and what stands below them: what is redrawn while a run works.
[[nodiscard]] std::vector<ScreenTable> tables_of(const Report& report);
[[nodiscard]] std::string published_words(const Report& report);

/// The cases that no subject measured, by plan, by reason.
[[nodiscard]] std::vector<LeftOutGroup> left_out_of(const Report& report);

/// "PyTorch 2.13.0 (cpu, MKL, 2 threads)"; those that could be measured.
[[nodiscard]] std::vector<std::string> subjects_words(const Report& report);

}  // namespace mlbench::report
