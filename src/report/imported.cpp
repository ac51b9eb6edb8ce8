#include "report/imported.hpp"

#include "core/text.hpp"
#include "core/units.hpp"
#include "report/table.hpp"

#include <fmt/format.h>

namespace mlbench::report {
namespace {

/// Names from other programs are cut where they would make a table unreadable.
std::string shortened_label(const std::string& label) {
  constexpr std::size_t kLongest = 60;
  if (label.size() <= kLongest) return label;
  std::size_t end = kLongest - 3;
  while (end > 0 && (static_cast<unsigned char>(label[end]) & 0xC0U) == 0x80U) --end;
  return label.substr(0, end) + "...";
}

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

}  // namespace

std::string rate_text(const store::ImportedRecord& r) {
  using workload::RateUnit;
  if (r.status != store::CaseStatus::ok) return std::string(name_of(r.status));
  if (!r.rate) return "";
  switch (r.unit) {
    case RateUnit::flop_per_s: return format_flop_rate(*r.rate);
    case RateUnit::bytes_per_s: return format_bandwidth(*r.rate);
    case RateUnit::tokens_per_s: return format_significant(*r.rate, 3) + " tokens/s";
    case RateUnit::op_per_s: break;
  }
  return "";
}

std::string imported_text(const Report& report) {
  if (report.imported.empty()) return {};
  const Json source =
      report.header.contains("imported") ? report.header["imported"] : Json::object();
  Table table;
  for (const auto& r : report.imported) {
    table.add({"  " + shortened_label(r.label), r.subject, r.time_s ? format_time(*r.time_s) : "",
               rate_text(r), r.doubts.empty() ? "" : "doubtful: " + join(r.doubts, ", "), ""});
  }
  return fmt::format("\nIMPORTED from {} ({}): not measured by this program, no verdicts\n",
                     find_string(source, "path").value_or("?"),
                     find_string(source, "format").value_or("?")) +
         table.text();
}

Json imported_json(const std::vector<store::ImportedRecord>& records) {
  Json list = Json::array();
  for (const auto& r : records) list.push_back(to_json(r));
  return list;
}

}  // namespace mlbench::report
