#include "cli/collection.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/pictures.hpp"
#include "cli/write_file.hpp"
#include "report/csv.hpp"
#include "report/details_text.hpp"
#include "report/html.hpp"
#include "report/markdown.hpp"
#include "report/reference.hpp"
#include "report/text.hpp"
#include "store/journal.hpp"

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

struct Loaded {
  std::vector<report::Report> reports;
  Json pages = Json::array();  ///< Empty unless a page was asked for.
  std::vector<std::vector<report::ReferenceRow>> references;  ///< Of each report, where asked for.
};

Result<std::vector<fs::path>> find_journals(const ReportOptions& options) {
  const fs::path results =
      options.results.empty() ? default_results_dir() : fs::path(options.results);
  std::vector<fs::path> paths;
  for (const auto& run : expand_folders(options.runs)) {
    const auto path = store::find_journal(run, results);
    if (!path) return path.error();
    paths.push_back(*path);
  }
  if (paths.empty()) return fail(ErrorKind::usage, options.runs.front() + ": holds no journal");
  return paths;
}

void add_references(Loaded& loaded, const ReportOptions& options) {
  const auto known = report::known_runs(options.imported.empty() ? default_imported_dir()
                                                                 : fs::path(options.imported));
  for (const auto& r : loaded.reports)
    loaded.references.push_back(report::reference_rows(r, known));
  for (std::size_t i = 0; i < loaded.pages.size(); ++i)
    loaded.pages[i]["reference"] = report::reference_json(loaded.references[i]);
}

Result<Loaded> load(const std::vector<fs::path>& paths, const ReportOptions& options,
                    bool with_pages) {
  Loaded loaded;
  for (const auto& path : paths) {
    const auto data = store::load_journal(path);
    if (!data) return data.error();
    loaded.reports.push_back(report::build_report(*data, path.string()));
    if (with_pages) loaded.pages.push_back(report::page_of(loaded.reports.back(), *data));
  }
  if (options.reference) add_references(loaded, options);
  return loaded;
}

/// Texts of several runs, two empty lines between them.
std::string joined(const std::vector<report::Report>& reports,
                   std::string (*print)(const report::Report&)) {
  std::string out;
  for (const auto& r : reports) out += (out.empty() ? "" : "\n\n") + print(r);
  return out;
}

std::string json_text(const Loaded& loaded) {
  Json documents = Json::array();
  for (const auto& r : loaded.reports) documents.push_back(report::to_json(r));
  for (std::size_t i = 0; i < loaded.references.size(); ++i)
    documents[i]["reference"] = report::reference_json(loaded.references[i]);
  const Json document = documents.size() == 1
                            ? documents[0]
                            : Json{{"schema", "mlbench.reports/1"}, {"reports", documents}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string with_details(const report::Report& r) {
  return report::to_text(r) + report::details_text(r);
}

std::string printed(const Loaded& loaded, const ReportOptions& options, const std::string& format) {
  if (format == "json") return json_text(loaded);
  if (format == "markdown") return joined(loaded.reports, report::to_markdown);
  if (format == "csv") return report::to_csv(loaded.reports);
  if (format == "html") return report::to_html(loaded.pages);
  std::string (*print)(const report::Report&) = report::to_text;
  if (options.details) print = with_details;
  auto text = joined(loaded.reports, print);
  for (const auto& rows : loaded.references) text += report::reference_text(rows);
  return text;
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
  const auto paths = find_journals(options);
  if (!paths) return report_error(context, paths.error());
  if (options.collection || paths->size() > kManyRuns)
    return report_collection(context, options, *paths);
  if (options.reference && !page && format != "text" && format != "json")
    return report_error(
        context,
        fail(ErrorKind::usage, "--reference is shown as text, in the page and with --json only"));
  const auto loaded = load(*paths, options, page);
  if (!loaded) return report_error(context, loaded.error());
  if (!options.pictures.empty()) return write_charts(context, options, loaded->reports);
  const auto text = printed(*loaded, options, page ? "html" : format);
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
