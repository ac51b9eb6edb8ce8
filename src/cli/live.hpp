#pragma once

#include "store/run_data.hpp"

#include <chrono>
#include <optional>
#include <ostream>
#include <string>

namespace mlbench::cli {

/// What a person sees while a run works. On a terminal: the report so far, redrawn between blocks
/// only, with a line below that says what happens. Elsewhere: a plain line a round.
class Live {
 public:
  /// `terminal`: whether `err` is a terminal that can be redrawn. `min_rounds`: of a run, however
  /// short its budget.
  Live(std::ostream& err, bool terminal, std::string journal_path, double budget_s, int min_rounds);

  void step(const std::string& what);
  void round_done(const store::RunData& data);
  /// Machine and frameworks, before anything is measured.
  void show_header(const store::RunData& data);
  /// Takes back what is on the screen, to make room for the final report.
  void clear();

 private:
  void erase(int lines);
  [[nodiscard]] std::string time_left() const;

  std::ostream& err_;
  bool terminal_;
  std::string journal_path_;
  double budget_s_;
  int min_rounds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> first_round_;
  int table_lines_ = 0;
  int rounds_ = 0;
};

/// Whether file descriptor `fd` is a terminal that understands escape sequences.
[[nodiscard]] bool is_terminal(int fd);

}  // namespace mlbench::cli
