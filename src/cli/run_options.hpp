#pragma once

#include "cli/subjects.hpp"
#include "machine/machine.hpp"
#include "plan/config.hpp"
#include "plan/plan.hpp"
#include "run/limit_probe.hpp"
#include "run/runner.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace mlbench::cli {

/// The flags of `run` and `list`, as given.
struct RunFlags {
  bool quick = false, full = false;
  bool rehearsal = false;  ///< Of a recorded machine: results go to a folder of their own.
  bool alone = false;
  bool discovery_only = false, pytorch_only = false, mlx_only = false, memory_only = false;
  std::string config, target, budget, timeout, sustain, device, mlx_blas = "best", results, reports,
                                                                resume;
  std::vector<std::string> only, workers, environments;
  std::string ab;
  std::uint64_t seed = 0;
};

/// "1%" or "0.01" as 0.01; nullopt when it is neither or not positive.
[[nodiscard]] std::optional<double> parse_share(std::string_view text);

/// Adds the flags to a subcommand.
void add_run_flags(CLI::App& command, RunFlags& flags);

/// Flags and config file put together: a flag wins over the file, the file over the preset.
struct RunOptions {
  run::Settings settings;
  plan::Catalogue catalogue;
  SubjectChoice subjects;
  std::vector<std::string> only;
  plan::Alone alone = plan::Alone::none;
  std::vector<workload::Case> cases;      ///< Exactly these, instead of a plan;
  std::vector<workload::Case> gpu_cases;  ///< with these, where all frameworks are on GPUs.
  /// Find the memory limits too, in so large a share of what is free; empty: not.
  std::optional<run::LimitSearch> limits;
  std::filesystem::path results_dir, reports_dir;
  std::vector<std::string>
      notices;  ///< For people: what of the config was replaced or does not match.
};

/// Errors: `usage`, naming the flag, the file or the key.
[[nodiscard]] Result<RunOptions> resolve(const RunFlags& flags, const machine::Machine& machine);

[[nodiscard]] Json to_json(const run::Settings& settings);
[[nodiscard]] run::Settings settings_from_json(const Json& json);

}  // namespace mlbench::cli
