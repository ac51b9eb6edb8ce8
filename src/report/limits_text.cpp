#include "report/limits_text.hpp"

#include "report/table.hpp"

#include <fmt/format.h>

namespace mlbench::report {
namespace {

/// "13.30 GiB (14280766259 bytes)": binary units round, bytes do not.
std::string size_text(double bytes) {
  return fmt::format("{:.2f} GiB ({:.0f} bytes)", bytes / (1 << 30), bytes);
}

std::string stated_text(const Json& limit) {
  if (const auto bytes = find_number(limit, "read_bytes")) return size_text(*bytes);
  if (const auto ratio = find_number(limit, "ratio")) return fmt::format("{:g}", *ratio);
  return "";
}

/// "over" where nothing was refused: the search ended before the limit.
std::string measured_text(const Json& limit) {
  const auto bytes = find_number(limit, "measured_bytes");
  if (!bytes) return "";
  const bool is_size = find_string(limit, "name") != "speed_collapse";
  const bool refused = find_number(limit, "refused_bytes").has_value();
  return (is_size && !refused ? "over " : "") + size_text(*bytes);
}

}  // namespace

std::string limits_table(const std::vector<Json>& limits) {
  Table table;
  table.add({"LIMIT", "of", "as stated", "as found by trying", "source"});
  for (const Json& limit : limits) {
    table.add({find_string(limit, "name").value_or(""), find_string(limit, "subject").value_or(""),
               stated_text(limit), measured_text(limit),
               find_string(limit, "source").value_or("")});
  }
  return table.text();
}

}  // namespace mlbench::report
