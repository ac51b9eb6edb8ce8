#include "cli/commands.hpp"
#include "cli/describe_subjects.hpp"
#include "cli/exit_codes.hpp"
#include "report/discovery_text.hpp"

namespace mlbench::cli {

int discover_command(const Context& context) {
  auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  SubjectChoice choice;
  choice.cpu_too = true;
  const auto subjects = describe_all(find_subjects(context, choice));
  for (const auto& s : subjects) machine::merge_device_facts(*machine, s.facts);
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
    print_json(context, {{"schema", "mlbench.discover/1"},
                         {"machine", machine::to_json(*machine)},
                         {"subjects", list}});
  } else {
    context.out << report::discovery_text(*machine, subjects);
  }
  return kExitOk;
}

}  // namespace mlbench::cli
