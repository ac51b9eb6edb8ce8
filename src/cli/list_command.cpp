#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/live.hpp"
#include "core/units.hpp"
#include "report/left_out.hpp"
#include "report/table.hpp"

#include <unistd.h>

#include <algorithm>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

/// A journal in the temporary folder that goes when the list is printed: trying cases is no run.
class TrialJournal {
 public:
  TrialJournal()
      : folder_(fs::temp_directory_path() / ("mlbench-list-" + std::to_string(::getpid()))) {}
  TrialJournal(const TrialJournal&) = delete;
  TrialJournal& operator=(const TrialJournal&) = delete;
  ~TrialJournal() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] Result<store::Journal> open() const {
    return store::Journal::create(folder_ / "trial.jsonl");
  }

 private:
  fs::path folder_;
};

struct Listing {
  plan::Candidates candidates;
  plan::Estimates estimates;
  plan::Selection selection;
  double sustain_s = 0;  ///< run::Settings::sustain_s.
};

/// Longer calls are extrapolated, but for the smallest case of a family: --full has calls of
/// seconds.
constexpr double kLongestTrial_s = 0.05;

/// What is being tried, on the last line of a terminal.
run::Observer shown_on(const Context& context) {
  if (context.json || !is_terminal(STDERR_FILENO)) return {};
  return {.step =
              [&context](const std::string& what) {
                context.err << "\r\x1b[2K" << what.substr(0, 78) << std::flush;
              },
          .round_done = {}};
}

Result<Listing> try_out(const Context& context, const RunOptions& options,
                        const machine::Machine& machine) {
  const TrialJournal folder;
  auto journal = folder.open();
  if (!journal) return journal.error();
  const auto observer = shown_on(context);
  run::Runner runner(*journal, options.settings, find_subjects(context, options.subjects),
                     observer);
  if (auto ok = runner.describe_subjects(); !ok) return ok.error();
  const auto usable = run::usable_subjects(journal->data());
  Listing listing;
  listing.candidates = plan::candidates(options.catalogue, options.settings.preset,
                                        planned_machine(machine, journal->data()),
                                        static_cast<int>(usable.size()), options.only);
  auto estimates =
      runner.scout(listing.candidates,
                   std::min(kLongestTrial_s, 2 * plan::limits_of(options.settings.preset).call_s));
  if (observer.step) context.err << "\r\x1b[2K";
  if (!estimates) return estimates.error();
  listing.estimates = *std::move(estimates);
  listing.selection = plan::select(listing.candidates, listing.estimates, options.settings.preset);
  listing.sustain_s = options.settings.sustain_s;
  plan::add_alone(listing.selection, listing.candidates, listing.estimates, options.alone,
                  {.sustain_s = listing.sustain_s, .budget_s = options.settings.budget_s});
  return listing;
}

/// Every candidate as if it were chosen.
Listing without_trial(const RunOptions& options, const machine::Machine& machine, bool thorough) {
  Listing listing;
  auto catalogue = options.catalogue;
  catalogue.thorough = thorough;
  listing.candidates = plan::candidates(catalogue, plan::Preset::full, machine, 1, options.only);
  for (const auto& family : listing.candidates.families) {
    listing.selection.chosen.insert(listing.selection.chosen.end(), family.candidates.begin(),
                                    family.candidates.end());
  }
  listing.selection.left_out = listing.candidates.left_out;
  return listing;
}

/// Measuring time that the case is expected to take in a run; nullopt where nothing was tried.
std::optional<double> expected_s(const workload::Case& c, const Listing& listing) {
  const auto it = listing.estimates.find(id_together(c));
  if (it == listing.estimates.end()) return std::nullopt;
  const double s = c.variant.alone ? plan::expected_alone_s(it->second, listing.sustain_s)
                                   : plan::expected_case_s(it->second);
  return s > 0 ? std::optional(s) : std::nullopt;
}

Json to_json(const workload::Case& c, const Listing& listing, const std::string& reason) {
  const auto& estimates = listing.estimates;
  const auto work = workload::work_of(c);
  Json calls = Json::object();
  if (const auto it = estimates.find(id_together(c)); it != estimates.end()) {
    for (const auto& [subject, e] : it->second) calls[subject] = to_json_or_null(e.call_s);
  }
  return {{"case", c.id},
          {"workload", c.workload},
          {"dtype", name_of(c.dtype)},
          {"flop", work.flop},
          {"bytes", work.bytes},
          {"memory_bytes", workload::memory_bytes_of(c)},
          {"estimated_call_s", calls},
          {"alternating", listing.selection.alternating.contains(c.id)},
          {"expected_s", to_json_or_null(expected_s(c, listing))},
          {"status", reason.empty() ? "planned" : "skipped"},
          {"reason", reason.empty() ? Json(nullptr) : Json(reason)}};
}

std::vector<std::string> cells(const workload::Case& c, const Listing& listing) {
  const auto& estimates = listing.estimates;
  const auto work = workload::work_of(c);
  std::string times;
  if (const auto it = estimates.find(id_together(c)); it != estimates.end()) {
    for (const auto& [subject, e] : it->second) {
      times +=
          (times.empty() ? "" : ", ") + subject + " " + (e.call_s ? format_time(*e.call_s) : "-");
    }
  }
  return {c.id,
          work.flop > 0 ? format_flop(work.flop) : "",
          format_bytes(work.bytes),
          format_bytes(static_cast<double>(workload::memory_bytes_of(c))),
          times,
          expected_s(c, listing) ? format_duration(*expected_s(c, listing)) : "",
          listing.selection.alternating.contains(c.id) ? "one process at a time" : ""};
}

/// By reason, or each case with its own.
std::string left_out_text(const std::vector<plan::LeftOut>& left_out, bool all) {
  if (left_out.empty()) return {};
  if (all) {
    report::Table table;
    for (const auto& left : left_out) table.add({"  " + left.definition.id, left.reason});
    return "\nLEFT OUT\n" + table.text();
  }
  std::vector<report::LeftOutCase> cases;
  for (const auto& left : left_out)
    cases.push_back(
        {.id = left.definition.id, .workload = left.definition.workload, .reason = left.reason});
  std::string text = "\nLEFT OUT (--all names each case)\n";
  for (const auto& group : report::group_left_out(cases))
    text += "  " + report::in_words(group) + "\n";
  return text;
}

/// What all chosen cases take, and what the preset allows.
std::string total_text(const Listing& listing, const run::Settings& settings) {
  double total_s = 0;
  for (const auto& c : listing.selection.chosen) total_s += expected_s(c, listing).value_or(0);
  return "\n" + std::to_string(listing.selection.chosen.size()) + " cases, about " +
         format_duration(total_s) + " of measuring; the budget is " +
         format_duration(settings.budget_s) + "\n";
}

}  // namespace

int list_command(const Context& context, const RunFlags& flags, const ListOptions& list) {
  const auto machine = machine::discover();
  if (!machine) return report_error(context, machine.error());
  const auto options = resolve(flags, *machine);
  if (!options) return report_error(context, options.error());
  for (const auto& notice : options->notices) context.err << "mlbench: " << notice << '\n';
  if (list.trial)
    context.err << "mlbench: trying each case with a few calls; --no-trial leaves that out\n";
  const auto listing =
      list.trial ? try_out(context, *options, *machine)
                 : Result<Listing>(without_trial(*options, *machine, flags.config.empty()));
  if (!listing) return report_error(context, listing.error());

  if (context.json) {
    Json cases = Json::array();
    for (const auto& c : listing->selection.chosen) cases.push_back(to_json(c, *listing, ""));
    for (const auto& left : listing->selection.left_out)
      cases.push_back(to_json(left.definition, *listing, left.reason));
    print_json(context, {{"schema", "mlbench.list/1"},
                         {"preset", name_of(options->settings.preset)},
                         {"budget_s", options->settings.budget_s},
                         {"cases", cases}});
    return kExitOk;
  }
  report::Table table;
  table.add({"CASE", "work", "traffic", "memory", list.trial ? "a call takes about" : "",
             list.trial ? "measuring" : "", ""});
  for (const auto& c : listing->selection.chosen) table.add(cells(c, *listing));
  context.out << table.text();
  if (list.trial) context.out << total_text(*listing, options->settings);
  context.out << left_out_text(listing->selection.left_out, list.all);
  return kExitOk;
}

}  // namespace mlbench::cli
