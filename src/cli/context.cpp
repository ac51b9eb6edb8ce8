#include "cli/context.hpp"

#include <cstdlib>
#include <vector>

namespace mlbench::cli {

namespace fs = std::filesystem;

fs::path root_folder() {
  const char* root = std::getenv("MLBENCH_ROOT");
  return root == nullptr || *root == '\0' ? fs::current_path() : fs::path(root);
}

fs::path default_results_dir(bool rehearsal) {
  return root_folder() / "results" / (rehearsal ? "rehearsals" : "raw");
}
fs::path default_reports_dir(bool rehearsal) {
  return root_folder() / "results" / (rehearsal ? "rehearsals" : "reports");
}

std::vector<fs::path> worker_folders(const Context& context) {
  const fs::path here = context.program.parent_path();
  return {here, here.parent_path() / "libexec" / "mlbench"};
}

void print_json(const Context& context, const Json& document) {
  context.out << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

int report_error(const Context& context, const Error& error) {
  context.err << "mlbench: " << error.message << '\n';
  if (context.json) {
    print_json(
        context,
        {{"schema", "mlbench.error/1"}, {"kind", name_of(error.kind)}, {"message", error.message}});
  }
  return exit_code(error.kind);
}

}  // namespace mlbench::cli
