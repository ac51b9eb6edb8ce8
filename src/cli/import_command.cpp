#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "import/importer.hpp"
#include "report/import_text.hpp"

namespace mlbench::cli {

int import_command(const Context& context, const ImportOptions& options) {
  auto import = importing::import_files({options.files.begin(), options.files.end()});
  if (import.batch.files.empty()) return report_error(context, import.refused.front().error);
  const std::filesystem::path folder =
      options.imported.empty() ? default_imported_dir() : std::filesystem::path(options.imported);
  if (!options.dry_run) {
    if (auto saved = importing::save(import, folder); !saved)
      return report_error(context, saved.error());
  }
  if (context.json) {
    print_json(context, importing::to_json(import));
  } else {
    context.out << report::import_text(import);
  }
  for (const auto& refused : import.refused)
    context.err << "mlbench: " << refused.error.message << "\n";
  return import.refused.empty() ? kExitOk : exit_code(import.refused.front().error.kind);
}

}  // namespace mlbench::cli
