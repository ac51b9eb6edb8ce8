#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mlbench::cli {

/// What OpenMP, MKL, OpenBLAS and Accelerate read their number of threads from.
inline constexpr std::array kThreadVariables = {"OMP_NUM_THREADS", "MKL_NUM_THREADS",
                                                "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"};

/// A further environment of frameworks, given with --env: another version, another BLAS, or only
/// other variables. A subject of it is called framework@name:device.
struct Environment {
  std::string name;
  std::filesystem::path workers;  ///< Folder of its workers; empty: the program's own.
  std::vector<std::pair<std::string, std::string>> variables;
};

/// From "NAME=PYTHON", "NAME=FOLDER" or "NAME=" with any number of ",VARIABLE=VALUE" after it.
/// PYTHON is the Python of a virtual environment, whose workers ./mlbench builds into
/// build/python-HASH below `root`; FOLDER holds workers already. A "~/" at the beginning of either
/// is the home folder: shells do not expand it after "NAME=". Errors: `usage` for bad text or what
/// is not there; `unsupported` when the workers of that Python are not built, with the cure.
[[nodiscard]] Result<Environment> parse_environment(const std::string& text,
                                                    const std::filesystem::path& root);

/// Decimal CRC of POSIX cksum(1) over `text`: how ./mlbench names the build folder of a Python.
[[nodiscard]] std::string cksum(std::string_view text);

[[nodiscard]] Json to_json(const std::vector<Environment>& environments);
[[nodiscard]] std::vector<Environment> environments_from_json(const Json& json);

}  // namespace mlbench::cli
