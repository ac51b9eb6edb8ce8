#include "report/left_out.hpp"

#include "core/text.hpp"
#include "report/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

namespace mlbench::report {
namespace {

/// Names longer than this are cut: one bad name must not make a list unreadable.
constexpr std::size_t kLongest = 60;
constexpr std::size_t kNamedWorkloads = 4;

/// A number of a reason, as it is written and for comparing.
struct Quantity {
  std::string number, unit;  ///< "12.8", " GiB"; the unit may be empty.
  double value = 0;
};

struct Unit {
  std::string_view name;
  char dimension;
  double factor;
};
constexpr std::array kUnits = {Unit{"B", 'b', 1},        Unit{"KiB", 'b', 0x1p10},
                               Unit{"MiB", 'b', 0x1p20}, Unit{"GiB", 'b', 0x1p30},
                               Unit{"TiB", 'b', 0x1p40}, Unit{"ns", 't', 1e-9},
                               Unit{"us", 't', 1e-6},    Unit{"ms", 't', 1e-3},
                               Unit{"s", 't', 1},        Unit{"min", 't', 60}};

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '/' || c == '.';
}

/// The unit that `text` begins with, after a space; nullptr when there is none.
const Unit* unit_at(std::string_view text) {
  if (text.empty() || text.front() != ' ') return nullptr;
  std::size_t end = 1;
  while (end < text.size() && is_word(text[end])) ++end;
  const auto word = text.substr(1, end - 1);
  const auto* it =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == word; });
  return it == kUnits.end() ? nullptr : it;
}

/// A reason taken apart: the text between its numbers, and the numbers. Numbers inside of words,
/// such as that of "float16", are text.
struct Parts {
  std::string shape;  ///< With a mark of its dimension in the place of each number.
  std::vector<Quantity> numbers;
};

Parts parts_of(const std::string& reason) {
  Parts parts;
  for (std::size_t i = 0; i < reason.size();) {
    if (!is_digit(reason[i]) || (i > 0 && is_word(reason[i - 1]))) {
      parts.shape += reason[i++];
      continue;
    }
    std::size_t end = i;
    while (end < reason.size() &&
           (is_digit(reason[end]) ||
            (reason[end] == '.' && end + 1 < reason.size() && is_digit(reason[end + 1]))))
      ++end;
    const auto value = parse_double(reason.substr(i, end - i));
    if (!value || (end < reason.size() && is_word(reason[end]))) {
      parts.shape += reason.substr(i, end - i);
      i = end;
      continue;
    }
    Quantity quantity{.number = reason.substr(i, end - i), .unit = {}, .value = *value};
    parts.shape += '\x01';
    if (const auto* unit = unit_at(std::string_view(reason).substr(end))) {
      quantity.unit = " " + std::string(unit->name);
      quantity.value *= unit->factor;
      parts.shape += unit->dimension;
      end += quantity.unit.size();
    } else {
      parts.shape += 'n';
    }
    parts.numbers.push_back(std::move(quantity));
    i = end;
  }
  return parts;
}

std::string range_words(const Quantity& low, const Quantity& high) {
  if (low.number == high.number && low.unit == high.unit) return low.number + low.unit;
  return low.number + (low.unit == high.unit ? "" : low.unit) + " to " + high.number + high.unit;
}

/// The reasons of one shape as one.
struct Merged {
  std::string shape;
  std::vector<Quantity> low, high;
  LeftOutGroup group;

  void add(const LeftOutCase& c, const Parts& parts) {
    if (group.cases.empty()) low = high = parts.numbers;
    for (std::size_t i = 0; i < low.size(); ++i) {
      if (parts.numbers[i].value < low[i].value) low[i] = parts.numbers[i];
      if (parts.numbers[i].value > high[i].value) high[i] = parts.numbers[i];
    }
    group.cases.push_back(c);
    auto it = std::find_if(group.workloads.begin(), group.workloads.end(),
                           [&](const auto& w) { return w.first == c.workload; });
    if (it == group.workloads.end()) it = group.workloads.insert(it, {c.workload, 0});
    ++it->second;
  }

  LeftOutGroup finish() && {
    std::size_t next = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] != '\x01') {
        group.reason += shape[i];
        continue;
      }
      group.reason += range_words(low[next], high[next]);
      ++next, ++i;  // the mark has two characters
    }
    std::stable_sort(group.workloads.begin(), group.workloads.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    return std::move(group);
  }
};

}  // namespace

std::vector<LeftOutGroup> group_left_out(const std::vector<LeftOutCase>& cases) {
  std::vector<Merged> merged;
  std::map<std::string, std::size_t> place;  // by shape
  for (const auto& c : cases) {
    const auto parts = parts_of(one_line(c.reason));
    const auto [it, is_new] = place.try_emplace(parts.shape, merged.size());
    if (is_new) merged.push_back({.shape = parts.shape, .low = {}, .high = {}, .group = {}});
    merged[it->second].add(c, parts);
  }
  std::vector<LeftOutGroup> groups;
  for (auto& m : merged) groups.push_back(std::move(m).finish());
  return groups;
}

std::string in_words(const LeftOutGroup& group) {
  const auto short_name = [](const std::string& name) {
    return shortened(one_line(name), kLongest);
  };
  if (group.cases.size() <= 2) {
    std::vector<std::string> ids;
    for (const auto& c : group.cases) ids.push_back(short_name(c.id));
    return join(ids, ", ") + ": " + group.reason;
  }
  std::vector<std::string> names;
  for (const auto& [workload, count] : group.workloads) {
    if (names.size() == kNamedWorkloads && group.workloads.size() > kNamedWorkloads + 1) {
      names.push_back(fmt::format("{} more workloads", group.workloads.size() - kNamedWorkloads));
      break;
    }
    names.push_back(group.workloads.size() == 1
                        ? short_name(workload)
                        : fmt::format("{} {}", short_name(workload), count));
  }
  return fmt::format("{} cases: {} ({})", group.cases.size(), group.reason, join(names, ", "));
}

}  // namespace mlbench::report
