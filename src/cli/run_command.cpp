#include "cli/commands.hpp"
#include "cli/controls.hpp"
#include "cli/exit_codes.hpp"
#include "cli/limits.hpp"
#include "cli/live.hpp"
#include "cli/new_journal.hpp"
#include "cli/stored_support.hpp"
#include "cli/write_file.hpp"
#include "report/html.hpp"
#include "report/text.hpp"
#include "run/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

/// A run between its journal and its report.
class RunSession {
 public:
  RunSession(const Context& context, const RunOptions& options, store::Journal& journal,
             std::vector<run::Subject> subjects)
      : options_(options),
        journal_(journal),
        subjects_(std::move(subjects)),
        live_(context.err, !context.json && is_terminal(STDERR_FILENO), journal.path().string(),
              options.settings.budget_s, options.settings.min_rounds),
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
    if (auto ok = prove(machine); !ok) return ok;
    if (!journal_.data().planned) {
      if (journal_.data().support.empty()) {
        for (const Json& line : kept_support(options_.results_dir, machine, journal_.data())) {
          if (auto ok = journal_.write(line); !ok) return ok;
        }
      }
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

  Status find_limits(const machine::Machine& machine) {
    live_.step("memory limits");
    std::vector<run::Subject> usable_ones;
    for (const auto& s : subjects_) {
      const auto names = usable();
      if (std::find(names.begin(), names.end(), s.name) != names.end()) usable_ones.push_back(s);
    }
    std::vector<std::string> ignored;
    const auto rows = all_limits(planned_machine(machine, journal_.data()), usable_ones,
                                 *options_.limits, ignored);
    for (const auto& row : rows) {
      Json line = {{"type", "limit"}};
      line.update(to_json(row));
      if (auto ok = journal_.write(line); !ok) return ok;
    }
    return Done{};
  }

  /// What the machine can do at most, and that every subject waits for it.
  Status prove(const machine::Machine& machine) {
    // What is chosen by hand is set against what its own run reaches.
    const bool briefly = options_.settings.preset == plan::Preset::quick || !options_.cases.empty();
    const double ceilings_s = briefly ? 3 : 6;
    if (journal_.data().ceilings.empty()) {  // a resumed run has them
      if (auto ok = runner_.probe_ceilings(ceilings_s); !ok) return ok;
    }
    if (auto ok = runner_.prove_waiting(); !ok) return ok;
    if (options_.limits && journal_.data().limits.empty() && !run::stop_requested()) {
      if (auto ok = find_limits(machine); !ok) return ok;
    }
    if (!usable().empty() || run::stop_requested()) return Done{};
    return fail(ErrorKind::unsupported,
                "no framework is left to measure: none was seen to wait for its device; mlbench "
                "report last says what was seen");
  }

  Status declare_cases(const machine::Machine& machine) {
    const auto live_processes = static_cast<int>(usable().size());
    if (!options_.cases.empty()) {
      plan::Selection selection{.chosen = options_.cases, .left_out = {}, .excluded = {}};
      if (all_on_gpus(subjects_, usable())) {
        selection.chosen.insert(selection.chosen.end(), options_.gpu_cases.begin(),
                                options_.gpu_cases.end());
      }
      for (const auto& c : selection.chosen) {
        if (plan::must_alternate(c, planned_machine(machine, journal_.data()), live_processes))
          selection.alternating.insert(c.id);
      }
      const auto controls = controls_of_chosen(selection);
      if (!controls) return controls.error();
      return runner_.declare(pairs_of(subjects_, usable()), selection, *controls);
    }
    const auto candidates =
        plan::candidates(options_.catalogue, options_.settings.preset,
                         planned_machine(machine, journal_.data()), live_processes, options_.only);
    if (candidates.families.empty() && candidates.left_out.empty()) {
      return fail(ErrorKind::usage,
                  "no case matches --only; mlbench list --no-trial shows all ids");
    }
    const auto pairs = pairs_of(subjects_, usable());
    const auto controls = plan_controls(
        runner_, control_subjects(pairs, usable(), options_.settings.preset), ids_of(candidates));
    if (!controls) return controls.error();
    const double longest_s = 2 * plan::limits_of(options_.settings.preset).call_s;
    const auto estimates = runner_.scout(candidates, longest_s);
    if (!estimates) return estimates.error();
    if (run::stop_requested()) return Done{};  // not all was tried: --resume plans again
    auto selection = plan::select(candidates, *estimates, options_.settings.preset);
    plan::add_alone(
        selection, candidates, *estimates, options_.alone,
        {.sustain_s = options_.settings.sustain_s, .budget_s = options_.settings.budget_s});
    return runner_.declare(pairs, selection, *controls);
  }

  /// Where two frameworks are compared, of the first of them: cheap beside cases chosen by hand.
  Result<std::vector<run::ControlPlan>> controls_of_chosen(const plan::Selection& selection) {
    const auto pairs = pairs_of(subjects_, usable());
    if (pairs.empty() || pairs.front().b.starts_with("native"))
      return std::vector<run::ControlPlan>{};
    std::set<std::string> taken;
    for (const auto& c : selection.chosen) taken.insert(c.id);
    return plan_controls(runner_, control_subjects(pairs, usable(), plan::Preset::quick), taken);
  }

  Status write_end(run::Ending ending, double duration_s) {
    const char* name = ending == run::Ending::finished       ? "finished"
                       : ending == run::Ending::budget_spent ? "budget_spent"
                                                             : "interrupted";
    const Json end = {{"type", "end"},
                      {"ended", utc_time("%Y-%m-%dT%H:%M:%SZ")},
                      {"ending", name},
                      {"duration_s", duration_s}};
    auto ended = journal_.data();  // a verdict says why its case stopped, which the end tells
    if (auto ok = ended.add(end); !ok) return ok;
    const auto report = report::build_report(ended, journal_.path().string());
    const Json document = report::to_json(report);
    for (const Json& v : document["verdicts"]) {
      Json line = {{"type", "verdict"}};
      line.update(v);
      if (auto ok = journal_.write(line); !ok) return ok;
    }
    return journal_.write(end);
  }

  const RunOptions& options_;
  store::Journal& journal_;
  std::vector<run::Subject> subjects_;
  Live live_;
  run::Runner runner_;
};

/// The text and the page, both named for the run.
Status write_reports(const fs::path& page, const report::Report& report, const store::RunData& data,
                     const std::string& text) {
  Status ok = write_file(fs::path(page).replace_extension(".txt"), text);
  if (ok) ok = write_file(page, report::to_html(Json::array({report::page_of(report, data)})));
  if (ok) return ok;
  return fail(ErrorKind::io,
              ok.error().message + "; the journal is complete and mlbench report shows it");
}

/// Prints the result and stores the reports; the exit code tells whether a case or a control
/// failed.
int finish(const Context& context, const RunOptions& options, const store::Journal& journal) {
  const auto report = report::build_report(journal.data(), journal.path().string());
  const fs::path page = options.reports_dir / (journal.path().stem().string() + ".html");
  const std::string text = report::to_text(report);
  const auto written = write_reports(page, report, journal.data(), text);
  if (context.json) {
    print_json(context, report::to_json(report));
  } else {
    context.out << text << "\nPAGE     " << (written ? page.string() : "not written")
                << "\nJOURNAL  " << journal.path().string()
                << "\nNEXT     tighter: mlbench run --target 1%   more: mlbench run --full   "
                   "again: mlbench report last --details\n";
  }
  if (!written)
    return report_error({.out = context.err, .err = context.err, .program = {}, .json = false},
                        written.error());
  return exit_code_of(journal);
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
  options.alone = plan::parse_alone(find_string(data.header, "alone").value_or(""));
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

Result<store::Journal> measured(const Context& context, const RunOptions& options,
                                const machine::Machine& machine,
                                const std::vector<std::string>& command_line) {
  auto journal = new_journal(context, options, machine, command_line);
  if (!journal) return journal;
  RunSession session(context, options, *journal, find_subjects(context, options.subjects));
  if (auto ok = session.measure(machine); !ok) return ok.error();
  return journal;
}

int exit_code_of(const store::Journal& journal) {
  const auto report = report::build_report(journal.data(), journal.path().string());
  if (report.ending == "interrupted") return kExitInterrupted;
  if (!compare::trusted(report.controls)) return kExitAlarm;
  return report.failures() > 0 ? kExitSomeCasesFailed : kExitOk;
}

int run_command(const Context& context, const RunFlags& flags,
                const std::vector<std::string>& command_line) {
  if (flags.discovery_only) return discover_command(context, {});
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
