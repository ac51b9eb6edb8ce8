#pragma once

#include "cli/context.hpp"
#include "cli/run_options.hpp"
#include "fit/fit.hpp"
#include "store/journal.hpp"

#include <string>
#include <vector>

namespace mlbench::cli {

// One function a command: options in, exit code out. app.cpp binds them to the command line.

int run_command(const Context& context, const RunFlags& flags,
                const std::vector<std::string>& command_line);
/// A new run of `options`, measured to its end. Errors: those of workers, files and the plan.
[[nodiscard]] Result<store::Journal> measured(const Context& context, const RunOptions& options,
                                              const machine::Machine& machine,
                                              const std::vector<std::string>& command_line);
/// 0, 6 where a case failed, 130 where the user stopped it.
[[nodiscard]] int exit_code_of(const store::Journal& journal);
struct ListOptions {
  bool trial = true;  ///< Start the frameworks and try which cases are quick enough.
  bool all = false;   ///< Name each case that is left out, not only how many and why.
};
int list_command(const Context& context, const RunFlags& flags, const ListOptions& list);
int support_command(const Context& context, const RunFlags& flags);

/// Flags of `mlbench discover`.
struct DiscoverOptions {
  bool limits = false;
  std::string share;  ///< Of the free memory that the search for limits may take: "50%".
};
int discover_command(const Context& context, const DiscoverOptions& options);

struct ReportOptions {
  std::vector<std::string> runs;  ///< Paths or names of journals, "last", or folders of journals.
  bool reference = false;         ///< Show the run among known machines.
  bool details = false;     ///< What verdicts rest on and the machine's state, below the text.
  bool collection = false;  ///< One table over all runs; also when there are very many.
  std::string imported;     ///< Folder of imported runs, for `reference`.
  std::string results;
  std::string format = "text";  ///< "text", "markdown", "csv", "json", "html".
  bool html = false;            ///< Write the page beside the other reports.
  std::string output;           ///< File to write in place of standard output.
  std::string pictures;         ///< Folder for the charts as SVG and PNG.
};
int report_command(const Context& context, const ReportOptions& options);

struct SelfcheckOptions {
  int comparisons = 60;                      ///< Null comparisons.
  std::vector<std::string> inject = {"3%"};  ///< Shares of extra work, one a trial in turn.
  std::string config;                        ///< Only its section `measure` counts.
  std::string budget, target, device, results;
  std::vector<std::string> workers;
  std::vector<std::string> from_journals;  ///< Regroup these instead of measuring.
  std::uint64_t seed = 0;
};
int selfcheck_command(const Context& context, const SelfcheckOptions& given,
                      const std::vector<std::string>& command_line);

struct CompareOptions {
  std::vector<std::string> runs;       ///< BASE and NEW: each a run, a list with commas, a pattern.
  std::vector<std::string> base, now;  ///< The same as lists of their own.
  std::vector<std::string> subjects;   ///< "torch:cpu", "mlx@old:cpu,mlx@new:cpu".
  std::string gate;                    ///< "3%"; empty: none.
  std::string format = "text";         ///< text, json, markdown, github.
  bool anyway = false;
  std::string results;
};
int compare_command(const Context& context, const CompareOptions& options);

struct ImportOptions {
  std::vector<std::string> files;
  std::string imported;  ///< Folder for the journals; empty: results/imported.
  bool dry_run = false;  ///< Read and doubt, write nothing.
};
int import_command(const Context& context, const ImportOptions& options);

struct FitOptions {
  fit::Request request;
  std::string results;   ///< Folder of the journals, for what was measured here.
  bool measure = false;  ///< Run the model with invented weights and set it against the prediction.
  std::string budget;    ///< Of --measure.
};
int fit_command(const Context& context, const FitOptions& given,
                const std::vector<std::string>& command_line);

struct LlmOptions {
  std::string model, dtype, quant;  ///< Empty dtype: the model's own. Empty quant: dense weights.
  std::int64_t prompt = 512, batch = 1;
  std::vector<std::int64_t> depths;  ///< Empty: the prompt's length.
  int rounds = 3;                    ///< Process pairs at least; 6 give a verdict.
  RunFlags run;
};
/// Measures them. Errors: those of `llm`, a model that does not fit included.
[[nodiscard]] Result<store::Journal> measure_llm(const Context& context, const LlmOptions& given,
                                                 const machine::Machine& machine,
                                                 const std::vector<std::string>& command_line);
int llm_command(const Context& context, const LlmOptions& options,
                const std::vector<std::string>& command_line);

struct DoctorOptions {
  std::string bundle;  ///< File to write; empty: none.
  std::string results;
};
int doctor_command(const Context& context, const DoctorOptions& options);

}  // namespace mlbench::cli
