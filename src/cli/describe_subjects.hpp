#pragma once

#include "cli/subjects.hpp"
#include "store/run_data.hpp"

#include <vector>

namespace mlbench::cli {

/// Asks each subject's worker what it is, without a journal. A subject that cannot be used is
/// listed with its reason.
[[nodiscard]] std::vector<store::SubjectRecord> describe_all(
    const std::vector<run::Subject>& subjects);

}  // namespace mlbench::cli
