#include "compare/match.hpp"

#include "compare/ceilings.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <map>
#include <span>

namespace mlbench::compare {
namespace {

using store::RunData;
using store::SubjectRecord;

/// The second process of a subject that a run compares with itself: no subject of its own.
bool is_double(const RunData& run, const std::string& name) {
  const auto takes_part = [&](bool control) {
    return std::any_of(run.pairs.begin(), run.pairs.end(), [&](const auto& p) {
      return p.control == control && (p.b == name || (!control && p.a == name));
    });
  };
  return takes_part(true) && !takes_part(false);
}

/// Subjects of a side that were measured, each once, in order.
std::vector<const SubjectRecord*> subjects_of(std::span<const RunData> runs) {
  std::vector<const SubjectRecord*> subjects;
  for (const RunData& run : runs) {
    for (const SubjectRecord& s : run.subjects) {
      const bool known = std::any_of(subjects.begin(), subjects.end(),
                                     [&](const auto* other) { return other->name == s.name; });
      if (!known && s.status == store::CaseStatus::ok && !is_double(run, s.name))
        subjects.push_back(&s);
    }
  }
  return subjects;
}

std::string framework_and_kind(const SubjectRecord& s) {
  return s.framework.substr(0, s.framework.find('@')) + " on " + device_kind(s.device);
}

std::vector<std::string> names_of(const std::vector<const SubjectRecord*>& subjects) {
  std::vector<std::string> names;
  for (const auto* s : subjects) names.push_back(s->name);
  return names;
}

Result<Done> require(const std::vector<const SubjectRecord*>& subjects, const std::string& name,
                     const char* side) {
  const auto names = names_of(subjects);
  if (std::find(names.begin(), names.end(), name) != names.end()) return Done{};
  return fail(ErrorKind::usage, std::string("no subject ") + name + " was measured in " + side +
                                    "; there: " + join(names, ", "));
}

}  // namespace

Result<Matching> match_subjects(const std::vector<RunData>& base, const std::vector<RunData>& now,
                                const std::vector<SubjectMatch>& wanted) {
  auto b = subjects_of(base), n = subjects_of(now);
  Matching result;
  for (const SubjectMatch& match : wanted) {
    if (auto ok = require(b, match.base, "BASE"); !ok) return ok.error();
    if (auto ok = require(n, match.now, "NEW"); !ok) return ok.error();
  }
  result.matches = wanted;
  if (!wanted.empty()) return result;

  const auto take = [&](auto same) {
    for (auto x = b.begin(); x != b.end();) {
      std::vector<decltype(n)::iterator> partners;
      for (auto y = n.begin(); y != n.end(); ++y) {
        if (same(**x, **y)) partners.push_back(y);
      }
      const auto rivals =
          std::count_if(b.begin(), b.end(), [&](const auto* other) { return same(*other, **x); });
      if (partners.size() == 1 && rivals == 1) {
        result.matches.push_back({(*x)->name, (*partners.front())->name});
        n.erase(partners.front());
        x = b.erase(x);
      } else {
        ++x;
      }
    }
  };
  take([](const auto& x, const auto& y) { return x.name == y.name; });
  take([](const auto& x, const auto& y) { return framework_and_kind(x) == framework_and_kind(y); });
  for (const auto* s : b) result.unmatched.push_back(s->name + " was measured in BASE only");
  result.base_only = names_of(b);
  for (const auto* s : n) result.unmatched.push_back(s->name + " was measured in NEW only");
  return result;
}

Result<Matching> match_within(const RunData& run, const std::vector<SubjectMatch>& wanted) {
  const auto all = subjects_of(std::span(&run, 1));
  Matching result{.matches = wanted, .unmatched = {}};
  for (const SubjectMatch& match : wanted) {
    for (const auto& name : {match.base, match.now}) {
      if (auto ok = require(all, name, "the run"); !ok) return ok.error();
    }
  }
  if (!wanted.empty()) return result;

  std::map<std::string, std::vector<std::string>> groups;
  for (const auto* s : all) groups[framework_and_kind(*s)].push_back(s->name);
  for (const auto& [group, names] : groups) {
    if (names.size() == 2) result.matches.push_back({names[0], names[1]});
  }
  if (!result.matches.empty()) return result;
  return fail(ErrorKind::usage,
              "one run was named, and it measured no framework in two environments: name a second "
              "run, or the two subjects with --subjects BASE,NEW; there are " +
                  join(names_of(all), ", "));
}

}  // namespace mlbench::compare
