#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/new_journal.hpp"
#include "cli/selfcheck_plan.hpp"
#include "core/text.hpp"
#include "core/units.hpp"
#include "report/selfcheck_text.hpp"
#include "run/process.hpp"

#include <chrono>
#include <set>

namespace mlbench::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Measuring time of a trial where no --budget says otherwise; a case rarely needs all of it.
constexpr double kSecondsACase = 15;

struct Plan {
  RunOptions options;
  std::vector<double> changes;
  double budget_s = 0;  ///< Of all trials; 0: no limit.
  int comparisons = 0;
};

/// Journals of self-checks lie apart from those of runs, those of rehearsals with their own.
std::filesystem::path results_dir(const Context& context) {
  return context.rehearsal ? default_results_dir(true)
                           : default_results_dir().parent_path() / "selfcheck";
}

Result<Plan> resolve_selfcheck(const Context& context, const SelfcheckOptions& given,
                               const machine::Machine& machine) {
  RunFlags flags;
  flags.config = given.config;
  flags.target = given.target;
  flags.device = given.device;
  flags.workers = given.workers;
  flags.seed = given.seed;
  flags.results = given.results;
  auto options = resolve(flags, machine);
  if (!options) return options.error();
  Plan plan{.options = *std::move(options), .changes = {}, .comparisons = given.comparisons};
  if (given.workers.empty()) plan.options.subjects.frameworks = {"torch", "mlx"};
  plan.options.subjects.only.clear();
  plan.options.subjects.cpu_too = true;  // a verdict is as good as its device: all are checked
  if (given.results.empty()) plan.options.results_dir = results_dir(context);
  plan.options.settings.control_target = plan.options.settings.target;
  plan.options.settings.share_budget = false;  // the time that is left is for the next trial
  for (const auto& text : given.inject) {
    const auto change = parse_share(text);
    if (!change || *change < 0.01 || *change > 0.5)
      return fail(ErrorKind::usage, "--inject: \"" + text + "\" is not a share from 1% to 50%");
    plan.changes.push_back(*change);
  }
  if (!given.budget.empty()) {
    const auto seconds = parse_duration_s(given.budget);
    if (!seconds)
      return fail(ErrorKind::usage,
                  "--budget: \"" + given.budget + "\" is not a time such as 90s, 5m or 1h");
    plan.budget_s = *seconds;
  }
  return plan;
}

std::int64_t usable_cores(const machine::Machine& machine) {
  const auto& cpu = machine.cpu;  // only Linux tells how many this process may use
  return cpu.usable_logical_cores.value_or(cpu.logical_cores.value_or(1));
}

/// Trials one after the other, each a whole run with a journal of its own.
class Selfcheck {
 public:
  Selfcheck(const Context& context, Plan plan, const machine::Machine& machine,
            const std::vector<std::string>& command_line)
      : context_(context),
        plan_(std::move(plan)),
        machine_(machine),
        command_line_(command_line),
        subjects_(selfcheck_subjects(find_subjects(context, plan_.options.subjects),
                                     usable_cores(machine))) {
    count_trials(6 * subjects_.size(), 8 * subjects_.size());  // until the cases are known
  }

  Status run() {
    double last_trial_s = 0;
    for (int trial = 0; !enough(trial) && !run::stop_requested(); ++trial) {
      if (trial > 0 && !fits(last_trial_s)) break;
      const double before_s = spent_s();
      if (auto ok = run_trial(trial); !ok) return ok;
      last_trial_s = spent_s() - before_s;
      context_.err << "trial " << trial + 1 << " of " << trials_ << " done, " << nulls()
                   << " comparisons, " << format_duration(spent_s()) << '\n'
                   << std::flush;
    }
    return Done{};
  }

  [[nodiscard]] report::SelfcheckReport report() const {
    return {.result = compare::summarize(comparisons_, plan_.comparisons),
            .target = plan_.options.settings.target,
            .duration_s = spent_s(),
            .journals = journals_,
            .regrouped = false,
            .regrouping = {},
            .rehearsal = context_.rehearsal ? context_.rehearsal->title() : ""};
  }

 private:
  [[nodiscard]] double spent_s() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  [[nodiscard]] int nulls() const {
    return static_cast<int>(std::count_if(comparisons_.begin(), comparisons_.end(),
                                          [](const auto& c) { return c.change <= 0; }));
  }

  /// A trial has its least rounds, however short its time: it is begun when more than half of it
  /// fits.
  [[nodiscard]] bool fits(double trial_s) const {
    return plan_.budget_s <= 0 || spent_s() + trial_s / 2 < plan_.budget_s;
  }

  /// Trials without nulls only inject, each share once.
  [[nodiscard]] bool enough(int trial) const {
    return with_nulls() ? nulls() >= plan_.comparisons : trial >= std::ssize(plan_.changes);
  }
  [[nodiscard]] bool with_nulls() const { return plan_.comparisons > 0; }

  Status run_trial(int trial) {
    auto& settings = plan_.options.settings;
    if (trial > 0) ++settings.seed;  // another order of cases and blocks
    set_budget(trial);
    auto journal = new_journal(context_, plan_.options, machine_, command_line_);
    if (!journal) return journal.error();
    journals_.push_back(journal->path().string());
    run::Runner runner(*journal, settings, subjects_, {});
    if (auto ok = describe(runner, *journal); !ok) return ok;
    const auto usable = run::usable_subjects(journal->data());
    if (usable.empty()) {
      return fail(ErrorKind::unsupported,
                  "no framework can be measured here: mlbench doctor says what is missing and how "
                  "to cure it");
    }
    if (cases_.empty()) {
      const std::set<double> changes(plan_.changes.begin(), plan_.changes.end());
      auto cases = plan_selfcheck(runner, usable, {changes.begin(), changes.end()});
      if (!cases) return cases.error();
      cases_ = *std::move(cases);
      if (cases_.empty())
        return fail(ErrorKind::unsupported, "no framework here can compute a matrix product");
      std::size_t nulls = 0;
      for (const auto& c : cases_) nulls += c.nulls.size();
      count_trials(nulls, controls_of_trial(cases_, 1, with_nulls()).size());
    }
    if (run::stop_requested()) return Done{};
    const double change =
        plan_.changes.empty()
            ? 0
            : plan_.changes[static_cast<std::size_t>(trial) % plan_.changes.size()];
    if (auto ok = runner.declare({}, {}, controls_of_trial(cases_, change, with_nulls())); !ok)
      return ok;
    const auto ending = runner.measure();
    if (!ending) return ending.error();
    const auto compared = compare::comparisons_of(journal->data());
    if (*ending == run::Ending::interrupted) return Done{};  // a trial counts whole or not at all
    comparisons_.insert(comparisons_.end(), compared.begin(), compared.end());
    return journal->write(
        {{"type", "end"},
         {"ended", utc_time("%Y-%m-%dT%H:%M:%SZ")},
         {"ending", *ending == run::Ending::finished ? "finished" : "budget_spent"},
         {"duration_s", spent_s()}});
  }

  /// The frameworks are asked once; later trials take their answers over.
  Status describe(run::Runner& runner, store::Journal& journal) {
    if (subject_lines_.empty()) {
      if (auto ok = runner.describe_subjects(); !ok) return ok;
      for (const auto& s : journal.data().subjects) subject_lines_.push_back(s);
      return Done{};
    }
    for (const auto& s : subject_lines_) {
      if (auto ok = journal.write({{"type", "subject"},
                                   {"subject", s.name},
                                   {"framework", s.framework},
                                   {"device", s.device},
                                   {"status", name_of(s.status)},
                                   {"reason", s.reason},
                                   {"facts", s.facts}});
          !ok)
        return ok;
    }
    return Done{};
  }

  void count_trials(std::size_t nulls, std::size_t cases) {
    const int a_trial = std::max(1, static_cast<int>(nulls));
    trials_ = with_nulls() ? (plan_.comparisons + a_trial - 1) / a_trial
                           : static_cast<int>(plan_.changes.size());
    cases_a_trial_ = static_cast<int>(cases);
  }

  /// What is left of the time, in equal parts for the trials that are left.
  void set_budget(int trial) {
    const int left = std::max(1, trials_ - trial);
    plan_.options.settings.budget_s = plan_.budget_s > 0
                                          ? std::max(0.0, plan_.budget_s - spent_s()) / left
                                          : kSecondsACase * cases_a_trial_;
  }

  const Context& context_;
  Plan plan_;
  const machine::Machine& machine_;
  const std::vector<std::string>& command_line_;
  std::vector<run::Subject> subjects_;
  std::vector<store::SubjectRecord> subject_lines_;
  std::vector<SelfcheckCases> cases_;
  std::vector<compare::SelfComparison> comparisons_;
  std::vector<std::string> journals_;
  Clock::time_point start_ = Clock::now();
  int trials_ = 1, cases_a_trial_ = 1;
};

/// No measuring: what stored controls say, as they were and regrouped.
Result<report::SelfcheckReport> from_journals(const SelfcheckOptions& given, double target) {
  const auto results =
      given.results.empty() ? default_results_dir() : std::filesystem::path(given.results);
  report::SelfcheckReport report{
      .result = {}, .target = target, .duration_s = 0, .journals = {}, .regrouped = true};
  std::vector<compare::SelfComparison> comparisons;
  for (const auto& run : given.from_journals) {
    const auto path = store::find_journal(run, results);
    if (!path) return path.error();
    const auto data = store::load_journal(*path);
    if (!data) return data.error();
    report.journals.push_back(path->string());
    if (const auto title = find_string(data->header, "rehearsal")) report.rehearsal = *title;
    const auto found = compare::comparisons_of(*data);
    comparisons.insert(comparisons.end(), found.begin(), found.end());
  }
  constexpr int kAll = 1 << 30, kDraws = 4000;
  report.result = compare::summarize(comparisons, kAll);
  report.regrouping =
      compare::summarize(compare::regroup(comparisons, kDraws, target, given.seed + 1), kAll);
  if (report.result.comparisons == 0)
    return fail(ErrorKind::usage,
                "--from-journal: these runs hold no null control with a verdict; runs of method "
                "version 3 and later do");
  return report;
}

int finish(const Context& context, const report::SelfcheckReport& report) {
  if (context.json) {
    print_json(context, report::to_json(report));
  } else {
    context.out << report::to_text(report);
  }
  if (run::stop_requested()) return kExitInterrupted;
  return report.result.alarm() ? kExitAlarm : kExitOk;
}

}  // namespace

int selfcheck_command(const Context& context, const SelfcheckOptions& given,
                      const std::vector<std::string>& command_line) {
  const auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  auto plan = resolve_selfcheck(context, given, *machine);
  if (!plan) return report_error(context, plan.error());
  if (!given.from_journals.empty()) {
    const auto report = from_journals(given, plan->options.settings.target);
    return report ? finish(context, *report) : report_error(context, report.error());
  }
  Selfcheck selfcheck(context, *std::move(plan), *machine, command_line);
  if (auto ok = selfcheck.run(); !ok) return report_error(context, ok.error());
  return finish(context, selfcheck.report());
}

}  // namespace mlbench::cli
