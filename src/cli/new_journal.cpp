#include "cli/new_journal.hpp"

#include "mlbench_version.hpp"
#include "stats/paired.hpp"

#include <ctime>
#include <iomanip>
#include <sstream>

namespace mlbench::cli {

namespace fs = std::filesystem;

std::string utc_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::ostringstream text;
  text << std::put_time(&utc, format);
  return text.str();
}

namespace {

Json header_line(const Context& context, const RunOptions& options, const machine::Machine& machine,
                 const std::vector<std::string>& command_line) {
  Json line = {{"type", "run"},
               {"schema", "mlbench.journal/1"},
               {"started", utc_time("%Y-%m-%dT%H:%M:%SZ")},
               {"mlbench_version", MLBENCH_VERSION},
               {"method_version", run::kMethodVersion},
               {"inflation_beyond_95", stats::kSequentialInflationBeyond95},
               {"build",
                {{"type", MLBENCH_BUILD_TYPE},
                 {"compiler", MLBENCH_COMPILER},
                 {"flags", MLBENCH_CXX_FLAGS}}},
               {"command", command_line},
               {"settings", to_json(options.settings)},
               {"subjects", to_json(options.subjects)},
               {"only", options.only},
               {"alone", name_of(options.alone)},
               {"machine", machine::to_json(machine)}};
  if (context.rehearsal) line["rehearsal"] = context.rehearsal->title();
  return line;
}

std::vector<std::string> build_doubts() {
  std::vector<std::string> doubts;
  const std::string flags = MLBENCH_CXX_FLAGS;
  if (std::string(MLBENCH_BUILD_TYPE) != "Release")
    doubts.emplace_back("this program was built as " MLBENCH_BUILD_TYPE
                        ", only Release builds measure: ./mlbench setup makes one");
  if (flags.find("-fsanitize") != std::string::npos)
    doubts.emplace_back("this program was built with sanitizers, which slow the native worker");
  return doubts;
}

}  // namespace

Result<store::Journal> new_journal(const Context& context, const RunOptions& options,
                                   const machine::Machine& machine,
                                   const std::vector<std::string>& command_line) {
  const std::string base = utc_time("%Y-%m-%d-%H%M%S");
  for (int attempt = 1;; ++attempt) {  // two runs may start in the same second
    const auto name = attempt == 1 ? base : base + "-" + std::to_string(attempt);
    const fs::path path = options.results_dir / (name + ".jsonl");
    std::error_code ignored;
    if (fs::exists(path, ignored)) continue;
    auto journal = store::Journal::create(path);
    if (!journal) return journal.error();
    if (auto ok = journal->write(header_line(context, options, machine, command_line)); !ok)
      return ok.error();
    auto notices = build_doubts();
    notices.insert(notices.end(), options.notices.begin(), options.notices.end());
    for (const auto& n : notices) {
      if (auto ok = journal->write({{"type", "notice"}, {"message", n}}); !ok) return ok.error();
    }
    return journal;
  }
}

}  // namespace mlbench::cli
