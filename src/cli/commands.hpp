#pragma once

#include "cli/context.hpp"
#include "cli/run_options.hpp"
#include "fit/fit.hpp"

#include <string>
#include <vector>

namespace mlbench::cli {

// One function a command: options in, exit code out. app.cpp binds them to the command line.

int run_command(const Context& context, const RunFlags& flags,
                const std::vector<std::string>& command_line);
/// `trial`: start the frameworks and try which cases are quick enough.
int list_command(const Context& context, const RunFlags& flags, bool trial);
int discover_command(const Context& context);

struct ReportOptions {
  std::vector<std::string> runs;  ///< Paths or names of journals; "last".
  std::string results;
};
int report_command(const Context& context, const ReportOptions& options);

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

struct FitOptions {
  fit::Request request;
  std::string results;  ///< Folder of the journals, for what was measured here.
};
int fit_command(const Context& context, const FitOptions& options);

struct DoctorOptions {
  std::string bundle;  ///< File to write; empty: none.
  std::string results;
};
int doctor_command(const Context& context, const DoctorOptions& options);

}  // namespace mlbench::cli
