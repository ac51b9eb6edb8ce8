#include "report/imported.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "report/table.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

namespace mlbench::report {
namespace {

Json to_json(const store::ImportedRecord& r) {
  Json rate = nullptr;
  if (r.rate) rate = {{"value", *r.rate}, {"unit", name_of(r.unit)}};
  return {{"label", r.label},
          {"case", to_json_or_null(r.case_id)},
          {"workload", r.workload},
          {"operation", r.operation},
          {"dtype", r.dtype},
          {"subject", r.subject},
          {"framework", r.framework},
          {"device", r.device},
          {"model", r.model},
          {"status", name_of(r.status)},
          {"reason", r.reason.empty() ? Json(nullptr) : Json(r.reason)},
          {"time_s", to_json_or_null(r.time_s)},
          {"rate", rate},
          {"doubts", r.doubts}};
}

std::string result_words(const store::ImportedRecord& r) {
  if (r.status != store::CaseStatus::ok) return std::string(name_of(r.status));
  return r.rate ? rate_words(*r.rate, r.unit) : "";
}

}  // namespace

std::string imported_text(const Report& report) {
  if (report.imported.empty()) return {};
  const Json source =
      report.header.contains("imported") ? report.header["imported"] : Json::object();
  Table table;
  for (const auto& r : report.imported) {
    table.add({"  " + shortened(one_line(r.label), 60), shortened(one_line(r.subject), 40),
               r.time_s ? format_time(*r.time_s) : "", result_words(r),
               r.doubts.empty() ? "" : "doubtful: " + join(r.doubts, ", "), ""});
  }
  return fmt::format("\nIMPORTED from {} ({}): not measured by this program, no verdicts\n",
                     one_line(find_string(source, "path").value_or("?")),
                     find_string(source, "format").value_or("?")) +
         table.text();
}

Json imported_json(const std::vector<store::ImportedRecord>& records) {
  Json list = Json::array();
  for (const auto& r : records) list.push_back(to_json(r));
  return list;
}

}  // namespace mlbench::report
