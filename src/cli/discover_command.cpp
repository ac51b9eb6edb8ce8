#include "cli/commands.hpp"
#include "cli/describe_subjects.hpp"
#include "cli/exit_codes.hpp"
#include "cli/limits.hpp"
#include "cli/run_options.hpp"
#include "report/discovery_text.hpp"
#include "report/limits_text.hpp"

namespace mlbench::cli {

namespace {

constexpr double kMostShare = 0.9;  // some has to be left for the system

/// The search that the flags ask for. Errors: `usage`.
Result<run::LimitSearch> search_of(const DiscoverOptions& options) {
  run::LimitSearch search;
  if (options.share.empty()) return search;
  const auto share = parse_share(options.share);
  if (!share || *share <= 0 || *share > kMostShare) {
    return fail(ErrorKind::usage,
                "--limits-share must be above 0% and at most 90%, not \"" + options.share + "\"");
  }
  search.share = *share;
  return search;
}

std::vector<Json> limits_of(const Context& context, const machine::Machine& machine,
                            const std::vector<run::Subject>& subjects,
                            const run::LimitSearch& search) {
  std::vector<std::string> notices;
  std::vector<Json> limits;
  for (const auto& row : all_limits(machine, subjects, search, notices))
    limits.push_back(to_json(row));
  for (const auto& notice : notices) context.err << "mlbench: " << notice << '\n';
  return limits;
}

}  // namespace

int discover_command(const Context& context, const DiscoverOptions& options) {
  const auto search = search_of(options);
  if (!search) return report_error(context, search.error());
  auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  SubjectChoice choice;
  choice.cpu_too = true;
  const auto found = find_subjects(context, choice);
  const auto subjects = describe_all(found);
  for (const auto& s : subjects) machine::merge_device_facts(*machine, s.facts);
  std::vector<Json> limits;
  if (options.limits) limits = limits_of(context, *machine, found, *search);
  if (context.json) {
    Json list = Json::array();
    for (const auto& s : subjects) {
      list.push_back({{"subject", s.name},
                      {"framework", s.framework},
                      {"device", s.device},
                      {"status", name_of(s.status)},
                      {"reason", s.reason.empty() ? Json(nullptr) : Json(s.reason)},
                      {"facts", s.facts}});
    }
    Json document = {{"schema", "mlbench.discover/1"},
                     {"machine", machine::to_json(*machine)},
                     {"subjects", list}};
    if (options.limits) document["limits"] = limits;
    print_json(context, document);
  } else {
    context.out << report::discovery_text(*machine, subjects);
    if (options.limits) context.out << "\n" << report::limits_table(limits);
  }
  return kExitOk;
}

}  // namespace mlbench::cli
