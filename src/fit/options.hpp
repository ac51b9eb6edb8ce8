#pragma once

#include "fit/fit.hpp"

#include <vector>

namespace mlbench::fit {

/// What would help, or make it faster: fewer bits, a shorter context, the wired limit, offloading,
/// a smaller model, cheaper training; each computed. `answer` is complete but for its options.
[[nodiscard]] std::vector<Option> options_for(const Answer& answer, const Request& request);

/// The largest number in [1, most] for which the load fits; nullopt when 1 does not.
[[nodiscard]] std::optional<std::int64_t> largest_context(const Case& question);
[[nodiscard]] std::optional<std::int64_t> largest_batch(const Case& question);

}  // namespace mlbench::fit
