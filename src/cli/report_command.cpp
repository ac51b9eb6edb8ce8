#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/pictures.hpp"
#include "cli/write_file.hpp"
#include "report/csv.hpp"
#include "report/html.hpp"
#include "report/markdown.hpp"
#include "report/text.hpp"
#include "store/journal.hpp"

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

struct Loaded {
  std::vector<report::Report> reports;
  Json pages = Json::array();  ///< Empty unless a page was asked for.
};

Result<Loaded> load(const ReportOptions& options, bool with_pages) {
  const fs::path results =
      options.results.empty() ? default_results_dir() : fs::path(options.results);
  Loaded loaded;
  for (const auto& run : options.runs) {
    const auto path = store::find_journal(run, results);
    if (!path) return path.error();
    const auto data = store::load_journal(*path);
    if (!data) return data.error();
    loaded.reports.push_back(report::build_report(*data, path->string()));
    if (with_pages) loaded.pages.push_back(report::page_of(loaded.reports.back(), *data));
  }
  return loaded;
}

/// Texts of several runs, two empty lines between them.
std::string joined(const std::vector<report::Report>& reports,
                   std::string (*print)(const report::Report&)) {
  std::string out;
  for (const auto& r : reports) out += (out.empty() ? "" : "\n\n") + print(r);
  return out;
}

std::string json_text(const std::vector<report::Report>& reports) {
  Json documents = Json::array();
  for (const auto& r : reports) documents.push_back(report::to_json(r));
  const Json document = documents.size() == 1
                            ? documents[0]
                            : Json{{"schema", "mlbench.reports/1"}, {"reports", documents}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string printed(const Loaded& loaded, const std::string& format) {
  if (format == "json") return json_text(loaded.reports);
  if (format == "markdown") return joined(loaded.reports, report::to_markdown);
  if (format == "csv") return report::to_csv(loaded.reports);
  if (format == "html") return report::to_html(loaded.pages);
  return joined(loaded.reports, report::to_text);
}

/// results/reports/<run>.html; the first run names a page of several.
fs::path page_path(const ReportOptions& options, const report::Report& first) {
  if (!options.output.empty()) return options.output;
  const auto name =
      fs::path(first.run).stem().string() + (options.runs.size() > 1 ? "-and-more" : "");
  return default_reports_dir() / (name + ".html");
}

int write_charts(const Context& context, const ReportOptions& options,
                 const std::vector<report::Report>& reports) {
  if (reports.size() != 1)
    return report_error(context,
                        fail(ErrorKind::usage, "--svg draws the charts of one run; " +
                                                   std::to_string(reports.size()) + " were given"));
  const auto pictures = write_pictures(reports.front(), options.pictures);
  if (!pictures) return report_error(context, pictures.error());
  for (const auto& file : pictures->files) context.err << "wrote " << file.string() << '\n';
  if (!pictures->missing.empty()) context.err << pictures->missing << '\n';
  return kExitOk;
}

}  // namespace

int report_command(const Context& context, const ReportOptions& options) {
  const std::string format = context.json ? "json" : options.format;
  if (options.html && format != "text" && format != "html")
    return report_error(
        context,
        fail(ErrorKind::usage, "--html and " + (context.json ? "--json" : "--format " + format) +
                                   " ask for different things; give one of them"));
  const bool page = options.html || format == "html";
  const auto loaded = load(options, page);
  if (!loaded) return report_error(context, loaded.error());
  if (!options.pictures.empty()) return write_charts(context, options, loaded->reports);
  const auto text = printed(*loaded, page ? "html" : format);
  if (!options.html && options.output.empty()) {
    context.out << text;
    return kExitOk;
  }
  const auto path =
      options.html ? page_path(options, loaded->reports.front()) : fs::path(options.output);
  if (auto ok = write_file(path, text); !ok) return report_error(context, ok.error());
  context.err << "wrote " << path.string() << '\n';
  return kExitOk;
}

}  // namespace mlbench::cli
