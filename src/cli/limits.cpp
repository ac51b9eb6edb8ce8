#include "cli/limits.hpp"

#include <algorithm>

namespace mlbench::cli {
namespace {

constexpr const char* kNoLog = "/dev/null";

/// The subjects to try: those on GPUs, and one on the CPU, native before any other.
std::vector<const run::Subject*> tried(const std::vector<run::Subject>& subjects) {
  std::vector<const run::Subject*> chosen;
  const run::Subject* cpu = nullptr;
  for (const auto& s : subjects) {
    if (!s.missing.empty()) continue;
    if (s.device != "cpu") {
      chosen.push_back(&s);
    } else if (cpu == nullptr || s.framework == "native") {
      cpu = &s;
    }
  }
  if (cpu != nullptr) chosen.insert(chosen.begin(), cpu);
  return chosen;
}

}  // namespace

std::vector<run::LimitRow> all_limits(const machine::Machine& machine,
                                      const std::vector<run::Subject>& subjects,
                                      const run::LimitSearch& search,
                                      std::vector<std::string>& notices) {
  auto rows = run::stated_limits(machine);
  const auto append = [&](std::vector<run::LimitRow> more) {
    std::move(more.begin(), more.end(), std::back_inserter(rows));
  };
  for (const auto& s : subjects) {
    if (s.missing.empty()) append(run::framework_limits(s, kNoLog, search.timeout_s));
  }
  for (const auto* s : tried(subjects)) {
    std::string why_not;
    append(run::measure_limits(*s, machine, kNoLog, search, why_not));
    if (!why_not.empty()) notices.push_back("memory limits of " + s->name + ": " + why_not);
  }
  return rows;
}

}  // namespace mlbench::cli
