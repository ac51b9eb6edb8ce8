#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mlbench::cli {

/// Writes one JSON file that a person can send to the project: the doctor's findings, the machine,
/// the frameworks, the newest journal in `results_dir` and its workers' logs. Names of the user, of
/// the computer and of the home folder are replaced. Errors: `io`, naming the file.
[[nodiscard]] Status write_bundle(const std::filesystem::path& path, const Json& findings,
                                  const Json& machine, const Json& subjects,
                                  const std::filesystem::path& results_dir);

/// `text` with each of `secrets` replaced by its stand-in, longest first; empty and one-letter
/// secrets are left alone, and a name only where it stands alone ("ann" does not touch
/// "annotation").
[[nodiscard]] std::string without_secrets(std::string text,
                                          std::vector<std::pair<std::string, std::string>> secrets);

}  // namespace mlbench::cli
