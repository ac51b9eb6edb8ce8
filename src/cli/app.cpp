#include "cli/app.hpp"

#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/program_path.hpp"
#include "core/text.hpp"
#include "mlbench_version.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace mlbench::cli {
namespace {

constexpr const char* kFooter = R"(
Exit codes: 0 ok, 1 internal error, 2 wrong usage, 3 not possible here, 4 file or worker trouble,
5 gate failed, 6 finished but some case failed or selfcheck raised the alarm, 130 interrupted.)";

/// `mlbench --quick` means `mlbench run --quick`, and `mlbench` means `mlbench run`.
std::vector<std::string> with_default_command(std::span<const std::string> args) {
  std::vector<std::string> words(args.begin() + 1, args.end());
  const std::vector<std::string> own = {"--help", "-h", "--version"};
  const bool names_none =
      words.empty() ||
      (words[0].starts_with('-') && std::find(own.begin(), own.end(), words[0]) == own.end());
  if (names_none) words.insert(words.begin(), "run");
  return words;
}

bool has_command(const CLI::App& app, const std::string& word) {
  const auto commands = app.get_subcommands({});
  return std::any_of(commands.begin(), commands.end(),
                     [&](const auto* c) { return c->get_name() == word; });
}

/// CLI11 leaves the explanation to us when a word is not a command.
std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  const auto near = nearest(word, names);
  return "no command is called \"" + word + "\"; " +
         (near ? "did you mean " + *near + "?" : "mlbench --help lists them all");
}

/// Which runs, what of them, and how the answer is to look.
void add_compare_flags(CLI::App& command, CompareOptions& options) {
  command
      .add_option(
          "runs", options.runs,
          "BASE and NEW: paths, names, last, patterns; a,b for several runs a side. One run "
          "alone compares its two environments")
      ->type_name("RUN")
      ->expected(0, 2);
  command.add_option("--base", options.base, "Runs of the base side, instead of BASE")
      ->type_name("RUN");
  command.add_option("--new", options.now, "Runs of the new side, instead of NEW")
      ->type_name("RUN");
  command
      .add_option("--subjects", options.subjects,
                  "Only this subject; BASE,NEW where its name differs (torch:mps,torch:cuda:0)")
      ->type_name("SUBJECT");
  command
      .add_option("--gate", options.gate,
                  "Exit 5 when a case is shown to be slower by more than this: 3%")
      ->type_name("SHARE");
  command.add_option("--format", options.format, "text, json, markdown or github")
      ->check(CLI::IsMember({"text", "json", "markdown", "github"}))
      ->capture_default_str();
  command.add_flag("--anyway", options.anyway,
                   "Show the ratios of runs that are not comparable, without verdicts");
  command.add_option("--results", options.results, "Folder of the journals (default results/raw)")
      ->type_name("DIR");
}

/// Which model, how its weights are stored, what it is to do, and where.
void add_fit_flags(CLI::App& command, FitOptions& options) {
  auto& r = options.request;
  command
      .add_option("model", r.model,
                  "A name (Mistral-7B), a model's folder, its config.json, or a GGUF file")
      ->required()
      ->type_name("MODEL");
  command.add_option("--dtype", r.dtype, "Weights as float32, float16 or bfloat16");
  command.add_option("--quant", r.quant,
                     "Quantised weights: 2bit to 8bit, mxfp4, nvfp4 (MLX); q4_0, q8_0, f16, ... "
                     "(llama.cpp); int4, int8 (torch)");
  command.add_option("--context", r.context, "Tokens of prompt and answer (default 2048)");
  command.add_option("--batch", r.batch, "Sequences at once (default 1)");
  command
      .add_option("--machine", r.machine,
                  "this, or a chip or card: \"M4 Max 40c 64GB\", \"RTX 4090\"")
      ->capture_default_str();
  command.add_option("--runtime", r.runtime,
                     "torch, mlx, mlx-lm or llama.cpp, with @VERSION where wanted");
  command.add_option("--train", r.training, "Memory of training instead: full or lora");
  command
      .add_option("--results", options.results,
                  "Folder of the journals (default results/raw), for what was measured here")
      ->type_name("DIR");
  command.add_flag("--measure", options.measure,
                   "Run it here with invented weights (or a folder's own), print what was measured "
                   "beside what was predicted, and correct later predictions by it");
  command.add_option("--budget", options.budget,
                     "Measuring time of --measure, e.g. 90s, 5m (default 3m)");
}

void add_selfcheck_flags(CLI::App& command, SelfcheckOptions& o) {
  command
      .add_option("--aa", o.comparisons,
                  "Comparisons of a subject with itself (default 60); 0: only those with more work")
      ->check(CLI::Range(0, 100000))
      ->type_name("N");
  command
      .add_option("--inject", o.inject,
                  "Real extra work that has to be found (default 3%); may be given again")
      ->type_name("SHARE");
  command
      .add_option("--config", o.config,
                  "YAML file whose section measure says how to measure (docs/configuration.md)")
      ->type_name("FILE");
  command
      .add_option("--budget", o.budget,
                  "Measuring time of all together; fewer comparisons if need be")
      ->type_name("TIME");
  command
      .add_option("--target", o.target, "Width at which a comparison stops, as in run (default 1%)")
      ->type_name("SHARE");
  command.add_option("--device", o.device, "cpu or gpu: only that kind of device (default: all)")
      ->type_name("KIND");
  command.add_option("--worker", o.workers, "Check these workers instead of torch and mlx")
      ->type_name("NAME");
  command.add_option("--seed", o.seed, "Seed of the inputs and of the order (default 1)")
      ->type_name("N");
  command
      .add_option("--from-journal", o.from_journals,
                  "Measure nothing: count and regroup the controls of stored runs")
      ->type_name("RUN");
  command.add_option("--results", o.results, "Folder for journals (default results/selfcheck)")
      ->type_name("DIR");
}

void add_llm_flags(CLI::App& command, LlmOptions& o) {
  command
      .add_option("model", o.model,
                  "A name (Mistral-7B, synthetic-32M) or a config.json, measured with invented "
                  "weights; or a model's folder or GGUF file")
      ->required()
      ->type_name("MODEL");
  command.add_option("--dtype", o.dtype, "float32, float16 or bfloat16 (default: the model's own)");
  command.add_option("--quant", o.quant,
                     "Weights as 4bit, 8bit (PyTorch: int8), int8, mxfp4 or nvfp4 (MLX)");
  command.add_option("--prompt", o.prompt, "Tokens of the prompt (default 512)")
      ->check(CLI::Range(1, 1 << 19));
  command
      .add_option("--depth", o.depths,
                  "Tokens that are remembered while new ones are written; may be given again "
                  "(default: the prompt's length)")
      ->check(CLI::Range(0, 1 << 19));
  command.add_option("--batch", o.batch, "Sequences at once (default 1)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--rounds", o.rounds, "Process pairs at least (default 3; 6 give a verdict)")
      ->check(CLI::Range(1, 100));
  command.add_flag("--pytorch-only", o.run.pytorch_only, "Measure PyTorch only");
  command.add_flag("--mlx-only", o.run.mlx_only, "Measure MLX only");
  command.add_option("--device", o.run.device, "cpu or gpu: measure only that kind of device");
  command.add_option("--worker", o.run.workers, "Measure these workers instead");
  command.add_option("--budget", o.run.budget, "Measuring time, e.g. 90s, 5m (default 3m)");
  command.add_option("--results", o.run.results, "Folder for journals (default results/raw)")
      ->type_name("DIR");
}

}  // namespace

int run(std::span<const std::string> args, std::ostream& out, std::ostream& err) {
  Context context{.out = out,
                  .err = err,
                  .program = program_path(args.empty() ? "mlbench" : args[0]),
                  .json = false};
  CLI::App app{"Which of PyTorch and MLX is faster on this machine, at what, and how sure that is.",
               "mlbench"};
  app.set_version_flag("--version", "mlbench " MLBENCH_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    auto* command = app.add_subcommand(name, what);
    command->add_flag("--json", context.json,
                      "Print one JSON document on stdout, everything else on stderr");
    return command;
  };

  std::string recording;
  const auto add_rehearsal = [&](CLI::App* command) {
    command
        ->add_option("--rehearsal", recording,
                     "For developers: replay a recorded machine with the fake worker; nothing is "
                     "measured (docs/mac.md)")
        ->type_name("FILE");
  };

  RunFlags flags;
  auto* run = add(
      "run", "Measure this machine: frameworks, compute, memory, verdicts (the default command)");
  add_run_flags(*run, flags);
  run->add_flag("--discovery-only", flags.discovery_only,
                "Only say what machine this is (the same as: mlbench discover)");
  add_rehearsal(run);
  run->add_option("--resume", flags.resume,
                  "Go on with a run that was cut off: its name, its path, or last")
      ->type_name("RUN");

  DiscoverOptions discover_options;
  auto* discover = add("discover", "What machine this is, and what the frameworks were built with");
  add_rehearsal(discover);
  discover->add_flag("--limits", discover_options.limits,
                     "Memory limits, as stated and as found by trying in a child process");
  discover
      ->add_option("--limits-share", discover_options.share,
                   "How much of the free memory --limits may take (default 50%)")
      ->type_name("SHARE");

  bool no_trial = false, support = false;
  ListOptions list_options;
  auto* list = add(
      "list", "Cases that a run would measure, their work and memory, and why others are left out");
  add_run_flags(*list, flags);
  add_rehearsal(list);
  list->add_flag(
      "--support", support,
      "The support map instead: what each framework does with every operation and dtype, probed");
  list->add_flag("--no-trial", no_trial,
                 "List every case there is, without starting the frameworks");
  list->add_flag("--all", list_options.all,
                 "Name each case that is left out, not only how many and why");

  ReportOptions report_options;
  auto* report = add("report", "Show stored runs again; verdicts are computed from their journals");
  report
      ->add_option("runs", report_options.runs,
                   "Journals: paths, names, last, or folders of journals")
      ->required()
      ->type_name("RUN");
  report
      ->add_option("--results", report_options.results,
                   "Folder of the journals (default results/raw)")
      ->type_name("DIR");

  report->add_flag("--reference", report_options.reference,
                   "Show the run among known machines: published and imported results");
  report
      ->add_option("--imported", report_options.imported,
                   "Folder of imported runs for --reference (default results/imported)")
      ->type_name("DIR");
  report->add_flag("--details", report_options.details,
                   "Below the text, what each verdict rests on and what the machine did while each "
                   "case was measured; the other formats have it always");
  report->add_flag("--collection", report_options.collection,
                   "One table over all runs and machines; so shown anyway with more than 12 runs");
  report->add_option("--format", report_options.format, "text, markdown, csv, json or html")
      ->check(CLI::IsMember({"text", "markdown", "csv", "json", "html"}))
      ->capture_default_str();
  report->add_flag("--html", report_options.html,
                   "Write one self-contained page, results/reports/<run>.html, and name it");
  report
      ->add_option("--output", report_options.output,
                   "Write to this file in place of standard output")
      ->type_name("FILE");
  report
      ->add_option("--svg", report_options.pictures,
                   "Write the charts of one run as SVG and PNG into this folder (needs Node.js; "
                   "rsvg-convert for PNG)")
      ->type_name("DIR");

  CompareOptions compare_options;
  auto* compare = add("compare",
                      "Two runs, versions or machines, case by case, with a verdict "
                      "where one is possible");
  add_compare_flags(*compare, compare_options);

  ImportOptions import_options;
  auto* import = add("import",
                     "Other programs' results as runs, with doubts: the Python Mac ML Benchmark "
                     "Suite, llama-bench, mlx-benchmark");
  import->add_option("files", import_options.files, "JSON, JSONL, CSV, SQL or Markdown")
      ->required()
      ->type_name("FILE");
  import
      ->add_option("--imported", import_options.imported,
                   "Folder for the runs (default results/imported)")
      ->type_name("DIR");
  import->add_flag("--dry-run", import_options.dry_run, "Only say what would be imported");

  FitOptions fit_options;
  auto* fit = add("fit",
                  "Does a language model fit this machine or another, what limits it, what "
                  "would help, and how fast it will be");
  add_fit_flags(*fit, fit_options);

  SelfcheckOptions selfcheck_options;
  auto* selfcheck = add("selfcheck",
                        "Does the verdict deserve trust here? Frameworks against themselves, and "
                        "against themselves with more work");
  add_selfcheck_flags(*selfcheck, selfcheck_options);
  add_rehearsal(selfcheck);

  LlmOptions llm_options;
  auto* llm = add("llm", "How fast a language model reads and writes here, in every framework");
  add_llm_flags(*llm, llm_options);

  DoctorOptions doctor_options;
  auto* doctor = add("doctor", "What is missing or wrong in this set-up, and how to cure it");
  doctor
      ->add_option("--bundle", doctor_options.bundle,
                   "Write one file with machine facts, the last journal and logs to send to the "
                   "project; names of user, host and home folder are taken out")
      ->type_name("FILE");
  doctor
      ->add_option("--results", doctor_options.results,
                   "Folder of the journals (default results/raw)")
      ->type_name("DIR");

  const auto words = with_default_command(args);
  context.json = std::find(words.begin(), words.end(), "--json") != words.end();
  const bool is_word = !words[0].starts_with('-');
  if (is_word && !has_command(app, words[0])) {
    return report_error(context, fail(ErrorKind::usage, unknown_command(app, words[0])));
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them reversed
  } catch (const CLI::Success& e) {
    return app.exit(e, out, err);
  } catch (const CLI::ParseError& e) {
    return report_error(context,
                        fail(ErrorKind::usage, std::string(e.what()) + "; mlbench " + words[0] +
                                                   " --help lists what it takes"));
  }

  if (!recording.empty()) {
    auto rehearsal = Rehearsal::begin(recording);
    if (!rehearsal) return report_error(context, rehearsal.error());
    context.rehearsal = *std::move(rehearsal);
    flags.rehearsal = true;
    context.err << "mlbench: REHEARSAL of " << context.rehearsal->title()
                << ": recorded facts, invented times; nothing is measured\n";
  }
  if (run->parsed()) return run_command(context, flags, {args.begin(), args.end()});
  if (discover->parsed()) return discover_command(context, discover_options);
  if (list->parsed() && support) return support_command(context, flags);
  list_options.trial = !no_trial;
  if (list->parsed()) return list_command(context, flags, list_options);
  if (report->parsed()) return report_command(context, report_options);
  if (compare->parsed()) {
    context.json = context.json || compare_options.format == "json";
    return compare_command(context, compare_options);
  }
  if (import->parsed()) return import_command(context, import_options);
  if (fit->parsed()) return fit_command(context, fit_options, {args.begin(), args.end()});
  if (selfcheck->parsed())
    return selfcheck_command(context, selfcheck_options, {args.begin(), args.end()});
  if (llm->parsed()) return llm_command(context, llm_options, {args.begin(), args.end()});
  if (doctor->parsed()) return doctor_command(context, doctor_options);
  return exit_code(ErrorKind::internal);
}

}  // namespace mlbench::cli
