#include "report/csv.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace mlbench::report {
namespace {

constexpr const char* kColumns =
    "run,machine,case,workload,dtype,subject,framework,version,device,status,reason,"
    "time_median_s,time_low_s,time_high_s,processes,rate,rate_low,rate_high,rate_unit,"
    "ceiling_fraction,check_ok,check_max_error,check_tolerance,kernel,flags,"
    "arithmetic_intensity,bound_by\n";

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.12g}", *value) : "";
}

/// A text as a cell. Spreadsheets compute a cell that begins with "=", "+", "-" or "@" (also after
/// white space), and names come from other people's files: an apostrophe before it makes it text
/// (OWASP, "CSV injection").
std::string text_cell(std::string text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && std::string_view("=+-@").find(text[first]) < 4)
    text.insert(0, "'");
  if (text.find_first_of(",;\t\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string line(const Report& report, const Row& row, const Entry& e) {
  const auto* s = report.find_subject(e.subject);
  const auto time = [&](auto member) { return e.time ? number((*e.time).*member) : std::string(); };
  std::vector<std::string> cells = {text_cell(report.run),
                                    text_cell(report.headline),
                                    text_cell(row.case_id),
                                    text_cell(row.workload),
                                    row.dtype,
                                    text_cell(e.subject),
                                    s == nullptr ? "" : text_cell(s->framework),
                                    s == nullptr ? "" : text_cell(s->version),
                                    s == nullptr ? "" : text_cell(s->device),
                                    std::string(name_of(e.status)),
                                    text_cell(e.reason),
                                    time(&stats::TimeSummary::median_s),
                                    time(&stats::TimeSummary::low_s),
                                    time(&stats::TimeSummary::high_s),
                                    e.time ? std::to_string(e.time->processes) : "",
                                    e.rate ? number(e.rate->value) : "",
                                    e.rate ? number(e.rate->low) : "",
                                    e.rate ? number(e.rate->high) : "",
                                    e.rate ? std::string(name_of(e.rate->unit)) : "",
                                    number(e.ceiling_fraction),
                                    e.check ? (e.check->ok ? "true" : "false") : "",
                                    e.check ? number(e.check->max_error) : "",
                                    e.check ? number(e.check->tolerance) : "",
                                    text_cell(e.kernel),
                                    text_cell(join(e.all_flags, " ")),
                                    number(compare::arithmetic_intensity(row.work)),
                                    !e.share                ? ""
                                    : e.share->memory_bound ? "memory"
                                                            : "compute"};
  return join(cells, ",") + "\n";
}

}  // namespace

std::string to_csv(std::span<const Report> reports) {
  std::string out = kColumns;
  for (const Report& report : reports) {
    for (const Row& row : report.rows) {
      for (const Entry& e : row.entries) out += line(report, row, e);
    }
  }
  return out;
}

}  // namespace mlbench::report
