#include "cli/live.hpp"

#include "core/units.hpp"
#include "report/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace mlbench::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Columns and rows of the terminal; 80 by 24 when it does not say.
winsize terminal_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    size = {.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  return size;
}

/// `text` cut to `columns` characters, so that no line wraps and redrawing counts lines rightly.
std::string cut(std::string_view text, std::size_t columns) {
  std::size_t width = 0, i = 0;
  while (i < text.size() && width < columns) {
    ++i;
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) ++i;
    ++width;
  }
  return std::string(text.substr(0, i));
}

}  // namespace

bool is_terminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

Live::Live(std::ostream& err, bool terminal, std::string journal_path, double budget_s,
           int min_rounds)
    : err_(err),
      terminal_(terminal),
      journal_path_(std::move(journal_path)),
      budget_s_(budget_s),
      min_rounds_(min_rounds) {}

void Live::erase(int lines) {
  err_ << '\r';
  if (lines > 0) err_ << "\x1b[" << lines << 'A';
  err_ << "\x1b[J";
}

std::string Live::time_left() const {
  const auto since_s = [now = Clock::now()](Clock::time_point start) {
    return std::chrono::duration<double>(now - start).count();
  };
  const double spent_s = since_s(start_);
  // Without the checks of the first round, later ones are shorter: at most so long.
  const double least_s =
      first_round_ && rounds_ > 0 ? since_s(*first_round_) / rounds_ * (min_rounds_ - rounds_) : 0;
  if (least_s > 0 && spent_s + least_s > budget_s_)
    return "up to " + format_duration(least_s) + " left: " + std::to_string(min_rounds_) +
           " rounds are the least, and may take longer than the budget of " +
           format_duration(budget_s_);
  if (spent_s > budget_s_)
    return "over its budget of " + format_duration(budget_s_) +
           ", finishing the rounds that verdicts need";
  return "at most " + format_duration(budget_s_ - spent_s) + " left";
}

void Live::step(const std::string& what) {
  if (!first_round_ && what.starts_with("round ")) first_round_ = Clock::now();
  if (!terminal_) return;
  erase(0);
  err_ << cut(what + " · " + time_left(), terminal_size().ws_col - 1U) << std::flush;
}

void Live::show_header(const store::RunData& data) {
  if (terminal_) erase(0);
  err_ << report::header_text(report::build_report(data, journal_path_)) << '\n' << std::flush;
}

void Live::round_done(const store::RunData& data) {
  ++rounds_;
  if (!terminal_) {
    err_ << "round " << rounds_ << " done, " << time_left() << '\n' << std::flush;
    return;
  }
  const auto size = terminal_size();
  const std::string text = report::tables_text(report::build_report(data, journal_path_));
  erase(table_lines_);
  table_lines_ = 0;
  std::string_view rest = text;
  while (!rest.empty() &&
         table_lines_ + 2 < size.ws_row) {  // a longer table would scroll and could not be redrawn
    const auto end = rest.find('\n');
    err_ << cut(rest.substr(0, end), size.ws_col - 1U) << '\n';
    ++table_lines_;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  err_ << std::flush;
}

void Live::clear() {
  if (terminal_) erase(table_lines_);
  table_lines_ = 0;
  err_ << std::flush;
}

}  // namespace mlbench::cli
