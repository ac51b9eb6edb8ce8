#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "compare/comparison.hpp"
#include "core/text.hpp"
#include "report/comparison_view.hpp"
#include "store/journal.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

/// The runs that one word names: a path or name, a pattern over the names in `results`, or several
/// of these with commas between.
Result<std::vector<fs::path>> expand(const std::string& word, const fs::path& results) {
  if (auto one = store::find_journal(word, results); one) return std::vector{*one};
  if (word.find(',') != std::string::npos) {
    std::vector<fs::path> paths;
    for (const auto part : split(word, ',')) {
      if (part.empty()) continue;
      auto more = expand(std::string(part), results);
      if (!more) return more;
      paths.insert(paths.end(), more->begin(), more->end());
    }
    return paths;
  }
  const bool is_pattern = word.find_first_of("*?") != std::string::npos;
  if (!is_pattern) {
    // A folder or a missing file: the sentence is the journal's own.
    auto why = store::find_journal(word, results);
    if (std::error_code ignored; fs::is_directory(word, ignored))
      return fail(ErrorKind::io, word + ": is a folder, not a journal");
    return why.error();
  }
  const fs::path pattern = word;
  const fs::path folder = pattern.has_parent_path() ? pattern.parent_path() : results;
  std::vector<fs::path> paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const auto& path = entry.path();
    if (path.extension() != ".jsonl") continue;
    const auto name = pattern.filename().string();
    if (glob_match(name, path.filename().string()) || glob_match(name, path.stem().string()))
      paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty())
    return fail(ErrorKind::usage, "no run matches \"" + word + "\" in " + folder.string());
  return paths;
}

struct Side {
  std::vector<std::string> paths;
  std::vector<store::RunData> runs;
};

Result<Side> load_side(const std::vector<std::string>& words, const fs::path& results) {
  Side side;
  for (const auto& word : words) {
    const auto paths = expand(word, results);
    if (!paths) return paths.error();
    for (const auto& path : *paths) {
      auto run = store::load_journal(path);
      if (!run) return run.error();
      side.paths.push_back(path.string());
      side.runs.push_back(*std::move(run));
    }
  }
  return side;
}

/// 0.03 of "3%", "3 %" or "0.03".
Result<double> parse_margin(const std::string& text) {
  std::string_view number = trim(text);
  const bool percent = number.ends_with('%');
  if (percent) number = trim(number.substr(0, number.size() - 1));
  const auto value = parse_double(number);
  const double margin = value ? *value / (percent ? 100 : 1) : -1;
  if (!value || !(margin >= 0 && margin < 1))
    return fail(
        ErrorKind::usage,
        "--gate takes a share of the time, as 3% or 0.03, below 100 %; not \"" + text + "\"");
  return margin;
}

/// "torch:cpu" or "torch:mps,torch:cuda:0" (base, new).
Result<std::vector<compare::SubjectMatch>> parse_subjects(const std::vector<std::string>& words) {
  std::vector<compare::SubjectMatch> matches;
  for (const auto& word : words) {
    const auto parts = split(word, ',');
    if (parts.size() > 2 || parts.front().empty() || parts.back().empty())
      return fail(ErrorKind::usage,
                  "--subjects takes one subject, or BASE,NEW as in torch:mps,torch:cuda:0; not \"" +
                      word + "\"");
    matches.push_back({std::string(parts.front()), std::string(parts.back())});
  }
  return matches;
}

/// Appends to the summary of the job, where GitHub Actions names a file for it.
Status add_to_job_summary(const std::string& markdown) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return Done{};
  std::ofstream file(path, std::ios::app);
  file << markdown << '\n';
  if (!file.flush())
    return fail(ErrorKind::io,
                std::string(path) + ": the job's summary (GITHUB_STEP_SUMMARY) cannot be written");
  return Done{};
}

Result<compare::ComparisonRequest> make_request(const CompareOptions& options, Side base,
                                                Side now) {
  compare::ComparisonRequest request{.base = std::move(base.runs),
                                     .now = std::move(now.runs),
                                     .subjects = {},
                                     .anyway = options.anyway,
                                     .gate = {}};
  if (!options.gate.empty()) {
    const auto margin = parse_margin(options.gate);
    if (!margin) return margin.error();
    request.gate = *margin;
  }
  auto subjects = parse_subjects(options.subjects);
  if (!subjects) return subjects.error();
  request.subjects = *std::move(subjects);
  return request;
}

int exit_code_of(const Context& context, const compare::Comparison& c, bool anyway) {
  if (!c.refusal.empty() && !anyway) {
    context.err << "mlbench: the runs are not comparable (" << c.refusal
                << "); --anyway shows their ratios without a verdict\n";
    return exit_code(ErrorKind::usage);
  }
  if (!c.gate) return kExitOk;
  if (!c.gate->passed) {
    const char* cure = c.failed_controls.empty()
                           ? "mlbench run --ab measures two versions in one run, and gets a verdict"
                           : "a control failed: measure again with nothing else on the machine";
    context.err << "mlbench: the gate is " << report::gate_sentence(c) << "; " << cure << '\n';
    return exit_code(ErrorKind::unsupported);
  }
  return *c.gate->passed ? kExitOk : kExitGateFailed;
}

}  // namespace

int compare_command(const Context& context, const CompareOptions& options) {
  const fs::path results =
      options.results.empty() ? default_results_dir() : fs::path(options.results);
  auto base_words = options.base, new_words = options.now;
  const auto& runs = options.runs;
  if (!runs.empty() && !(base_words.empty() && new_words.empty()))
    return report_error(context, fail(ErrorKind::usage,
                                      "name the runs either as BASE NEW or with --base and --new"));
  if (!runs.empty()) base_words = {runs[0]};
  if (runs.size() > 1) new_words = {runs[1]};
  if (base_words.empty())
    return report_error(context, fail(ErrorKind::usage,
                                      "name the two runs to compare: mlbench compare BASE NEW; or "
                                      "one run that measured two environments"));
  auto base = load_side(base_words, results);
  if (!base) return report_error(context, base.error());
  auto now = load_side(new_words, results);
  if (!now) return report_error(context, now.error());
  const auto base_paths = base->paths, now_paths = now->paths;
  auto request = make_request(options, *std::move(base), *std::move(now));
  if (!request) return report_error(context, request.error());
  auto comparison = compare::compare_sides(*request);
  if (!comparison) return report_error(context, comparison.error());

  const auto view =
      report::view_comparison(*request, base_paths, now_paths, *std::move(comparison));
  if (context.json || options.format == "json") {
    print_json(context, report::to_json(view));
  } else if (options.format == "markdown") {
    context.out << report::to_markdown(view);
  } else if (options.format == "github") {
    context.out << report::to_github(view);
    if (auto ok = add_to_job_summary(report::to_markdown(view)); !ok)
      return report_error(context, ok.error());
  } else {
    context.out << report::to_text(view);
  }
  return exit_code_of(context, view.comparison, options.anyway);
}

}  // namespace mlbench::cli
