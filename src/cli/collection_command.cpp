#include "cli/collection.hpp"
#include "cli/exit_codes.hpp"
#include "cli/write_file.hpp"

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

int write(const Context& context, const fs::path& path, const std::string& text) {
  if (auto written = write_file(path, text); !written)
    return report_error(context, written.error());
  context.err << "wrote " << path.string() << '\n';
  return kExitOk;
}

}  // namespace

int report_collection(const Context& context, const ReportOptions& options,
                      const std::vector<fs::path>& paths) {
  const auto collection = load_collection(paths);
  if (collection.runs == 0)
    return report_error(context, fail(ErrorKind::io, collection.refused.front()));
  for (const auto& refused : collection.refused) context.err << "mlbench: " << refused << '\n';
  const std::string format = context.json ? "json" : options.format;
  if (!options.pictures.empty() || format == "markdown" || format == "csv") {
    return report_error(
        context, fail(ErrorKind::usage, "a collection of runs is shown as text, JSON or --html"));
  }
  if (options.html || format == "html") {
    return write(context,
                 options.output.empty() ? default_reports_dir() / "collection.html"
                                        : fs::path(options.output),
                 report::to_html(collection));
  }
  const auto text =
      context.json
          ? report::to_json(collection).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
          : report::to_text(collection);
  if (!options.output.empty()) return write(context, options.output, text);
  context.out << text;
  return kExitOk;
}

}  // namespace mlbench::cli
