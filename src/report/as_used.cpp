#include "report/as_used.hpp"

#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlbench::report {
namespace {

const Row* row_of(const Report& report, const std::string& case_id) {
  const auto it = std::find_if(report.rows.begin(), report.rows.end(),
                               [&](const Row& row) { return row.case_id == case_id; });
  return it == report.rows.end() ? nullptr : &*it;
}

/// What the second way changes for the first of the pair.
std::string change_words(const Report& report, const compare::AsUsed& both) {
  if (!both.change) return "too few rounds to tell them apart";
  const auto& c = *both.change;
  const auto range = fmt::format("{:+.1f} ... {:+.1f} %", 100 * (c.low - 1), 100 * (c.high - 1));
  if (both.differs())
    return fmt::format("alone changes it for {} by {}", title_of(report, both.a), range);
  return "no difference between the two shown (" + range + ")";
}

}  // namespace

std::vector<std::string> as_used_words(const Report& report) {
  std::vector<std::string> sentences;
  for (const auto& both : report.as_used) {
    const Row* row = row_of(report, both.case_id);
    const Row* alone = row_of(report, both.alone.case_id);
    if (row == nullptr || alone == nullptr || !is_between_frameworks(report, both.together))
      continue;
    sentences.push_back(fmt::format("{}: together {}, each alone {}; {}", row->label,
                                    verdict_words(report, *row, both.together),
                                    verdict_words(report, *alone, both.alone),
                                    change_words(report, both)));
  }
  return sentences;
}

Json as_used_json(const Report& report) {
  Json list = Json::array();
  for (const auto& both : report.as_used) {
    list.push_back({{"case", both.case_id},
                    {"a", both.a},
                    {"b", both.b},
                    {"together", ratio_json(both.together.interval)},
                    {"alone", ratio_json(both.alone.interval)},
                    {"change", ratio_json(both.change)},
                    {"differs", both.differs()}});
  }
  return list;
}

}  // namespace mlbench::report
