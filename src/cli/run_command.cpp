#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/live.hpp"
#include "mlbench_version.hpp"
#include "report/text.hpp"
#include "run/process.hpp"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <sstream>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

std::string utc_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::ostringstream text;
  text << std::put_time(&utc, format);
  return text.str();
}

Json header_line(const Context& context, const RunOptions& options, const machine::Machine& machine,
                 const std::vector<std::string>& command_line) {
  Json line = {{"type", "run"},
               {"schema", "mlbench.journal/1"},
               {"started", utc_time("%Y-%m-%dT%H:%M:%SZ")},
               {"mlbench_version", MLBENCH_VERSION},
               {"method_version", run::kMethodVersion},
               {"build",
                {{"type", MLBENCH_BUILD_TYPE},
                 {"compiler", MLBENCH_COMPILER},
                 {"flags", MLBENCH_CXX_FLAGS}}},
               {"command", command_line},
               {"settings", to_json(options.settings)},
               {"subjects", to_json(options.subjects)},
               {"only", options.only},
               {"machine", machine::to_json(machine)}};
  if (context.rehearsal) line["rehearsal"] = context.rehearsal->title();
  return line;
}

/// A run between its journal and its report.
class RunSession {
 public:
  RunSession(const Context& context, const RunOptions& options, store::Journal& journal,
             std::vector<run::Subject> subjects)
      : options_(options),
        journal_(journal),
        subjects_(std::move(subjects)),
        live_(context.err, !context.json && is_terminal(STDERR_FILENO), journal.path().string(),
              options.settings.budget_s),
        runner_(journal, options.settings, subjects_,
                {.step = [this](const std::string& s) { live_.step(s); },
                 .round_done = [this](const store::RunData& d) { live_.round_done(d); }}) {}

  /// Everything from describing the subjects to the line "end".
  Status measure(const machine::Machine& machine) {
    const auto start = Clock::now();
    if (auto ok = runner_.describe_subjects(); !ok) return ok;
    if (run::stop_requested()) return finish(run::Ending::interrupted, start);
    live_.show_header(journal_.data());
    if (usable().empty()) {
      return fail(ErrorKind::unsupported,
                  "no framework can be measured here: mlbench doctor says what is missing and how "
                  "to cure it");
    }
    if (!journal_.data().planned) {
      if (auto ok = declare_cases(machine); !ok) return ok;
    }
    if (run::stop_requested()) return finish(run::Ending::interrupted, start);
    const auto ending = runner_.measure();
    if (!ending) return ending.error();
    return finish(*ending, start);
  }

  [[nodiscard]] std::vector<std::string> usable() const {
    return run::usable_subjects(journal_.data());
  }

 private:
  using Clock = std::chrono::steady_clock;

  Status finish(run::Ending ending, Clock::time_point start) {
    live_.clear();
    const double earlier_s =
        journal_.data().end ? find_number(*journal_.data().end, "duration_s").value_or(0) : 0;
    const double duration_s = std::chrono::duration<double>(Clock::now() - start).count();
    return write_end(ending, earlier_s + duration_s);
  }

  Status declare_cases(const machine::Machine& machine) {
    const auto live_processes = static_cast<int>(usable().size());
    const auto candidates =
        plan::candidates(options_.catalogue, options_.settings.preset,
                         planned_machine(machine, journal_.data()), live_processes, options_.only);
    if (candidates.families.empty() && candidates.left_out.empty()) {
      return fail(ErrorKind::usage,
                  "no case matches --only; mlbench list --no-trial shows all ids");
    }
    const auto estimates = runner_.scout(candidates);
    if (!estimates) return estimates.error();
    if (run::stop_requested()) return Done{};  // not all was tried: --resume plans again
    return runner_.declare(pairs_of(subjects_, usable()),
                           plan::select(candidates, *estimates, options_.settings.preset));
  }

  Status write_end(run::Ending ending, double duration_s) {
    const auto report = report::build_report(journal_.data(), journal_.path().string());
    const Json document = report::to_json(report);
    for (const Json& v : document["verdicts"]) {
      Json line = {{"type", "verdict"}};
      line.update(v);
      if (auto ok = journal_.write(line); !ok) return ok;
    }
    const char* name = ending == run::Ending::finished       ? "finished"
                       : ending == run::Ending::budget_spent ? "budget_spent"
                                                             : "interrupted";
    return journal_.write({{"type", "end"},
                           {"ended", utc_time("%Y-%m-%dT%H:%M:%SZ")},
                           {"ending", name},
                           {"duration_s", duration_s}});
  }

  const RunOptions& options_;
  store::Journal& journal_;
  std::vector<run::Subject> subjects_;
  Live live_;
  run::Runner runner_;
};

Status write_report(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file)
    return fail(
        ErrorKind::io,
        path.string() + ": cannot be written; the journal is complete and mlbench report shows it");
  return Done{};
}

/// Prints the result and stores the text report; the exit code tells whether any case failed.
int finish(const Context& context, const RunOptions& options, const store::Journal& journal) {
  const auto report = report::build_report(journal.data(), journal.path().string());
  const fs::path text_path = options.reports_dir / (journal.path().stem().string() + ".txt");
  const std::string text = report::to_text(report);
  const auto written = write_report(text_path, text);
  if (context.json) {
    print_json(context, report::to_json(report));
  } else {
    context.out << text << "\nREPORT   " << text_path.string() << "\nJOURNAL  "
                << journal.path().string()
                << "\nNEXT     tighter: mlbench run --target 1%   more: mlbench run --full   "
                   "again: mlbench report last\n";
  }
  if (!written)
    return report_error({.out = context.err, .err = context.err, .program = {}, .json = false},
                        written.error());
  if (report.ending == "interrupted") return kExitInterrupted;
  return report.failures() > 0 ? kExitSomeCasesFailed : kExitOk;
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

/// What was decided when the run began stays decided; only a new --budget counts, since the old one
/// may be what cut it off.
void adopt(const store::RunData& data, const RunFlags& flags, RunOptions& options) {
  const double budget_s = options.settings.budget_s;
  if (data.header.contains("settings"))
    options.settings = settings_from_json(data.header["settings"]);
  if (!flags.budget.empty()) options.settings.budget_s = budget_s;
  if (data.header.contains("subjects"))
    options.subjects = subject_choice_from_json(data.header["subjects"]);
  options.only = find_strings(data.header, "only");
}

/// A run is one machine and one set of frameworks; anything else would be two runs in one file.
Status check_same_setup(const Context& context, const store::RunData& before,
                        const std::vector<run::Subject>& subjects,
                        const machine::Machine& machine) {
  if (before.header.contains("rehearsal") != (context.rehearsal != nullptr)) {
    return fail(ErrorKind::usage, "--resume: a rehearsal and a run cannot be one; start a new one");
  }
  const auto then = machine::machine_from_json(
      before.header.contains("machine") ? before.header["machine"] : Json::object());
  if (then.cpu.name != machine.cpu.name || then.memory.total_bytes != machine.memory.total_bytes) {
    return fail(ErrorKind::usage, "--resume: the run was begun on another machine (" +
                                      machine::headline(then) + "); start a new one");
  }
  for (const auto& s : subjects) {
    if (before.find_subject(s.name) == nullptr && !before.subjects.empty()) {
      return fail(ErrorKind::usage,
                  "--resume: the run was begun without " + s.name + "; start a new one");
    }
  }
  return Done{};
}

}  // namespace

int run_command(const Context& context, const RunFlags& flags,
                const std::vector<std::string>& command_line) {
  if (flags.discovery_only) return discover_command(context);
  const auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  auto options = resolve(flags, *machine);
  if (!options) return report_error(context, options.error());

  Result<store::Journal> journal = fail(ErrorKind::internal, "no journal");
  if (flags.resume.empty()) {
    journal = new_journal(context, *options, *machine, command_line);
  } else {
    const auto path = store::find_journal(flags.resume, options->results_dir);
    if (!path) return report_error(context, path.error());
    journal = store::Journal::resume(*path);
    if (journal) adopt(journal->data(), flags, *options);
  }
  if (!journal) return report_error(context, journal.error());

  auto subjects = find_subjects(context, options->subjects);
  if (!flags.resume.empty()) {
    if (auto ok = check_same_setup(context, journal->data(), subjects, *machine); !ok)
      return report_error(context, ok.error());
  }
  RunSession session(context, *options, *journal, std::move(subjects));
  if (auto ok = session.measure(*machine); !ok) return report_error(context, ok.error());
  return finish(context, *options, *journal);
}

}  // namespace mlbench::cli
