#pragma once

#include <ostream>
#include <span>
#include <string>

namespace mlbench::cli {

/// The whole program without the process: parses `args` (program name first), runs the command,
/// writes results to `out` and everything else to `err`, and returns the exit code. With --json,
/// `out` gets exactly one JSON document, also after an error.
int run(std::span<const std::string> args, std::ostream& out, std::ostream& err);

}  // namespace mlbench::cli
