#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "report/text.hpp"
#include "store/journal.hpp"

namespace mlbench::cli {

int report_command(const Context& context, const ReportOptions& options) {
  const std::filesystem::path results =
      options.results.empty() ? default_results_dir() : std::filesystem::path(options.results);
  std::vector<report::Report> reports;
  for (const auto& run : options.runs) {
    const auto path = store::find_journal(run, results);
    if (!path) return report_error(context, path.error());
    const auto data = store::load_journal(*path);
    if (!data) return report_error(context, data.error());
    reports.push_back(report::build_report(*data, path->string()));
  }
  if (context.json) {
    Json documents = Json::array();
    for (const auto& r : reports) documents.push_back(report::to_json(r));
    print_json(context, documents.size() == 1
                            ? documents[0]
                            : Json{{"schema", "mlbench.reports/1"}, {"reports", documents}});
    return kExitOk;
  }
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (i > 0) context.out << "\n\n";
    context.out << report::to_text(reports[i]);
  }
  return kExitOk;
}

}  // namespace mlbench::cli
