#include "cli/run_options.hpp"

#include "core/text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <limits>

namespace mlbench::cli {

std::optional<double> parse_share(std::string_view text) {
  text = trim(text);
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto value = parse_double(text);
  if (!value || *value <= 0) return std::nullopt;
  return percent ? *value / 100 : *value;
}

namespace {

Status apply_flags(const RunFlags& flags, run::Settings& s) {
  if (!flags.target.empty()) {
    const auto target = parse_share(flags.target);
    if (!target || *target >= 1)
      return fail(ErrorKind::usage, "--target: \"" + flags.target + "\" is not a share such as 1%");
    s.target = *target;
  }
  for (const auto& [name, text, value] : {std::tuple{"--budget", &flags.budget, &s.budget_s},
                                          std::tuple{"--timeout", &flags.timeout, &s.timeout_s},
                                          std::tuple{"--sustain", &flags.sustain, &s.sustain_s}}) {
    if (text->empty()) continue;
    const auto seconds = parse_duration_s(*text);
    if (!seconds)
      return fail(ErrorKind::usage,
                  std::string(name) + ": \"" + *text + "\" is not a time such as 90s, 5m or 1h");
    *value = *seconds;
  }
  if (flags.seed != 0) s.seed = flags.seed;
  return Done{};
}

void apply_config(const plan::Config::Measure& m, run::Settings& s) {
  s.target = m.target.value_or(s.target);
  s.budget_s = m.budget_s.value_or(s.budget_s);
  s.case_budget_s = m.case_budget_s.value_or(s.case_budget_s);
  s.min_rounds = m.min_rounds.value_or(s.min_rounds);
  s.max_rounds = std::max(m.max_rounds.value_or(s.max_rounds), s.min_rounds);
  s.warm_min_s = m.warmup_min_s;
  s.warm_max_s = m.warmup_max_s;
  s.seed = m.seed.value_or(s.seed);
}

/// "mlx@old,mlx@new": two sides and nothing else.
Status choose_two(const std::string& ab, SubjectChoice& choice) {
  std::vector<std::string> sides;
  for (const auto side : split(ab, ',')) sides.emplace_back(trim(side));
  if (sides.size() != 2 || sides[0].empty() || sides[1].empty() || sides[0] == sides[1]) {
    return fail(ErrorKind::usage,
                "--ab: \"" + ab + "\" is not two different sides such as mlx@old,mlx");
  }
  for (auto& side : sides) {
    if (side.find(':') != std::string::npos)
      return fail(ErrorKind::usage, "--ab: \"" + side + "\" names a device; use --device for that");
    const auto at = side.find('@');
    const std::string label = at == std::string::npos ? "" : side.substr(at + 1);
    const bool known = label.empty() || label == "wheel-blas" ||
                       std::any_of(choice.environments.begin(), choice.environments.end(),
                                   [&](const auto& e) { return e.name == label; });
    if (!known) {
      return fail(ErrorKind::usage, "--ab: no environment is called " + label + "; --env " + label +
                                        "=PYTHON makes one");
    }
  }
  choice.frameworks = std::move(sides);
  return Done{};
}

/// With --env and without --ab: the frameworks of every environment beside the usual ones.
Status choose_environments(const RunFlags& flags, SubjectChoice& choice) {
  for (const auto& text : flags.environments) {
    auto environment = parse_environment(text, root_folder());
    if (!environment) return environment.error();
    for (const auto& e : choice.environments) {
      if (e.name == environment->name)
        return fail(ErrorKind::usage, "--env: the name " + e.name + " is given twice");
    }
    choice.environments.push_back(*std::move(environment));
  }
  if (!flags.ab.empty()) return choose_two(flags.ab, choice);
  const auto usual = choice.frameworks;
  for (const auto& e : choice.environments) {
    for (const auto& framework : usual) {
      if (framework != "native") choice.frameworks.push_back(framework + "@" + e.name);
    }
  }
  return Done{};
}

Status choose_subjects(const RunFlags& flags, SubjectChoice& choice) {
  if (flags.pytorch_only && flags.mlx_only)
    return fail(ErrorKind::usage, "--pytorch-only and --mlx-only exclude each other");
  if (flags.pytorch_only) choice.frameworks = {"torch", "native"};
  if (flags.mlx_only) choice.frameworks = {"mlx", "native"};
  if (!flags.workers.empty()) choice.frameworks = flags.workers;
  if (!flags.device.empty() && flags.device != "cpu" && flags.device != "gpu") {
    return fail(ErrorKind::usage, "--device must be cpu or gpu, not \"" + flags.device + "\"");
  }
  if (flags.mlx_blas != "best" && flags.mlx_blas != "wheel") {
    return fail(ErrorKind::usage,
                "--mlx-blas must be best or wheel, not \"" + flags.mlx_blas + "\"");
  }
  choice.device = flags.device;
  choice.cpu_too = flags.full;
  choice.mlx_wheel_blas = flags.mlx_blas == "wheel";
  return choose_environments(flags, choice);
}

}  // namespace

void add_run_flags(CLI::App& command, RunFlags& f) {
  auto* quick = command.add_flag("--quick", f.quick, "At most 8 headline cases, about 2 minutes");
  command
      .add_flag("--full", f.full,
                "Every case that takes at most 2 s a call, on every device; at most 6 hours")
      ->excludes(quick);
  command.add_flag("--pytorch-only", f.pytorch_only,
                   "Measure PyTorch, with the native ceiling beside it");
  command.add_flag("--mlx-only", f.mlx_only, "Measure MLX, with the native ceiling beside it");
  command.add_flag("--memory-only", f.memory_only, "Measure memory bandwidth and limits only");
  command.add_option("--config", f.config, "YAML file of what to measure (docs/configuration.md)")
      ->type_name("FILE");
  command
      .add_option("--only", f.only,
                  "Cases whose id matches, e.g. 'gemm/float32/*'; may be given again")
      ->type_name("GLOB");
  command.add_option("--budget", f.budget, "Measuring time of the whole run, e.g. 90s, 5m, 1h")
      ->type_name("TIME");
  command.add_option("--target", f.target, "Stop a case when its interval is this narrow, e.g. 1%")
      ->type_name("SHARE");
  command.add_flag("--alone", f.alone,
                   "Measure each case once more with every framework alone and sustained, beside "
                   "the usual comparison; --full does it for the headline cases");
  command
      .add_option("--sustain", f.sustain,
                  "How long a framework works before it is timed alone (default 5s); a laptop "
                  "without a fan needs minutes to be as warm as use makes it")
      ->type_name("TIME");
  command.add_option("--device", f.device, "cpu or gpu: measure only that kind of device")
      ->type_name("KIND");
  command
      .add_option("--mlx-blas", f.mlx_blas,
                  "Linux, CPU: best links MLX to OpenBLAS; wheel takes the reference BLAS that it "
                  "ships with")
      ->type_name("best|wheel")
      ->capture_default_str();
  command
      .add_option("--worker", f.workers,
                  "Measure these workers instead of torch, mlx and native: mlbench-worker-NAME; "
                  "may be given again")
      ->type_name("NAME");
  command
      .add_option("--env", f.environments,
                  "A further environment of frameworks: NAME=PYTHON, then ,threads=N or "
                  ",VARIABLE=VALUE where wanted; NAME=,VARIABLE=VALUE changes variables only")
      ->type_name("NAME=PYTHON");
  command
      .add_option("--ab", f.ab,
                  "Measure these two against each other and nothing else, e.g. mlx@old,mlx or "
                  "mlx,mlx@wheel-blas")
      ->type_name("A,B");
  command.add_option("--seed", f.seed, "Seed of the inputs and of the order (default 1)")
      ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()))
      ->type_name("N");
  command
      .add_option("--timeout", f.timeout,
                  "How long a worker may be silent beyond its work (default 60s)")
      ->type_name("TIME");
  command.add_option("--results", f.results, "Folder for journals (default results/raw)")
      ->type_name("DIR");
  command.add_option("--reports", f.reports, "Folder for reports (default results/reports)")
      ->type_name("DIR");
}

Result<RunOptions> resolve(const RunFlags& flags, const machine::Machine& machine) {
  RunOptions options;
  plan::Config config;
  if (!flags.config.empty()) {
    auto read = plan::read_config(flags.config);
    if (!read) return read.error();
    config = *std::move(read);
    options.notices = config.notices;
  }
  auto& s = options.settings;
  s.preset = flags.quick  ? plan::Preset::quick
             : flags.full ? plan::Preset::full
                          : plan::Preset::standard;
  s.target = plan::limits_of(s.preset).target;
  s.budget_s = plan::limits_of(s.preset).budget_s;
  apply_config(config.measure, s);
  if (auto ok = apply_flags(flags, s); !ok) return ok.error();
  // A preset's budget is what it may take, not what it is to use.
  const auto& m = config.measure;
  s.share_budget = (!flags.budget.empty() || m.budget_s) && !m.case_budget_s && !m.max_rounds;
  if (auto ok = choose_subjects(flags, options.subjects); !ok) return ok.error();
  if (config.subjects) options.subjects.only = *config.subjects;
  options.catalogue = plan::catalogue_of(config);
  options.only = flags.only;
  options.alone = flags.alone  ? plan::Alone::all
                  : flags.full ? plan::Alone::headline
                               : plan::Alone::none;
  if (flags.memory_only) options.only.emplace_back("memory/*");
  // A configuration says itself what to measure.
  options.catalogue.thorough =
      flags.config.empty() && (flags.full || (flags.memory_only && !flags.quick));
  // Seconds that the quick preset does not have, and that a run of chosen cases is not about.
  if (flags.memory_only)
    options.limits = run::LimitSearch{.share = 0.5, .budget_s = 15};
  else if (!flags.quick && flags.workers.empty() && flags.only.empty())
    options.limits = run::LimitSearch{.share = 0.25, .budget_s = 5};
  const auto folder = [](const std::string& flag, const std::optional<std::string>& key,
                         const std::filesystem::path& otherwise) {
    if (!flag.empty()) return std::filesystem::path(flag);
    return key ? root_folder() / *key : otherwise;
  };
  options.results_dir =
      folder(flags.results, config.results_dir, default_results_dir(flags.rehearsal));
  options.reports_dir =
      folder(flags.reports, config.reports_dir, default_reports_dir(flags.rehearsal));
  const auto chip = machine.cpu.name.value_or("an unknown CPU");
  if (config.expected_chip && *config.expected_chip != chip) {
    options.notices.push_back(flags.config + " was written for " + *config.expected_chip +
                              ", this machine has " + chip);
  }
  return options;
}

Json to_json(const run::Settings& s) {
  return {{"preset", name_of(s.preset)},
          {"target", s.target},
          {"budget_s", s.budget_s},
          {"case_budget_s", s.case_budget_s},
          {"min_rounds", s.min_rounds},
          {"max_rounds", s.max_rounds},
          {"share_budget", s.share_budget},
          {"control_target", s.control_target},
          {"rows", s.rows},
          {"block_s", s.block_s},
          {"warm_min_s", to_json_or_null(s.warm_min_s)},
          {"warm_max_s", to_json_or_null(s.warm_max_s)},
          {"sustain_s", s.sustain_s},
          {"timeout_s", s.timeout_s},
          {"seed", s.seed}};
}

run::Settings settings_from_json(const Json& json) {
  run::Settings s;
  const auto preset = find_string(json, "preset").value_or("default");
  for (const auto p : {plan::Preset::quick, plan::Preset::standard, plan::Preset::full}) {
    if (name_of(p) == preset) s.preset = p;
  }
  s.target = find_number(json, "target").value_or(s.target);
  s.budget_s = find_number(json, "budget_s").value_or(s.budget_s);
  s.case_budget_s = find_number(json, "case_budget_s").value_or(s.case_budget_s);
  s.min_rounds = static_cast<int>(find_int(json, "min_rounds").value_or(s.min_rounds));
  s.max_rounds = static_cast<int>(find_int(json, "max_rounds").value_or(s.max_rounds));
  s.share_budget = find_bool(json, "share_budget").value_or(s.share_budget);
  s.control_target = find_number(json, "control_target").value_or(s.control_target);
  s.rows = static_cast<int>(find_int(json, "rows").value_or(s.rows));
  s.block_s = find_number(json, "block_s").value_or(s.block_s);
  s.warm_min_s = find_number(json, "warm_min_s");
  s.warm_max_s = find_number(json, "warm_max_s");
  s.sustain_s = find_number(json, "sustain_s").value_or(s.sustain_s);
  s.timeout_s = find_number(json, "timeout_s").value_or(s.timeout_s);
  s.seed = static_cast<std::uint64_t>(find_int(json, "seed").value_or(1));
  return s;
}

}  // namespace mlbench::cli
