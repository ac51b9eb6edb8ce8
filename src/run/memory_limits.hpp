#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// How much memory can be had in one piece, and how much altogether: two limits that have nothing
/// to do with each other, measured in a child process and never beyond a stated bound.
namespace mlbench::run {

/// One limit, as the system or a framework states it and as it was found by trying.
struct LimitRow {
  std::string name;     ///< "memory_total", "largest_allocation", "total_touched", ...
  std::string subject;  ///< Whose limit; empty for the machine's.
  std::optional<std::int64_t> read_bytes;
  std::optional<std::int64_t> measured_bytes;  ///< The largest that passed.
  /// The smallest that did not; empty when all passed up to the bound, and the limit lies beyond
  /// it.
  std::optional<std::int64_t> refused_bytes;
  std::optional<double> ratio;  ///< Of limits that are stated as a share, not in bytes.
  std::string source;           ///< Where it was read, and how it was measured.
};

[[nodiscard]] Json to_json(const LimitRow& row);
[[nodiscard]] LimitRow limit_row_from_json(const Json& json);

/// How one attempt went.
struct Attempt {
  bool ok = false;
  double touch_s = 0;  ///< Of writing to all that is allocated.
};

/// What is known of a limit: it lies in [passed_bytes, refused_bytes).
struct Bracket {
  std::int64_t passed_bytes = 0;
  std::optional<std::int64_t> refused_bytes;
};

/// Largest size up to `bound_bytes` that `attempt` passes, by bisection until passed and refused
/// are at most `resolution_bytes` apart or `may_go_on` says no. Tries the bound itself first. Never
/// answers with a step of a grid: what it returns was tried, and so was its upper end.
[[nodiscard]] Bracket largest_passing(const std::function<bool(std::int64_t bytes)>& attempt,
                                      std::int64_t bound_bytes, std::int64_t resolution_bytes,
                                      const std::function<bool()>& may_go_on);

/// All that can be held at once.
struct Total {
  Bracket touched;
  /// The size from which on touching all of it went at less than a third of the best speed seen.
  std::optional<std::int64_t> slow_from_bytes;
};

/// Adds pieces of `piece_bytes` until one is refused, then ever smaller ones down to
/// `resolution_bytes`, up to `bound_bytes` in all. `add` allocates one more piece and touches
/// everything that is held. Stops where the speed collapses: the machine swaps then.
[[nodiscard]] Total fill(const std::function<Attempt(std::int64_t piece_bytes)>& add,
                         std::int64_t bound_bytes, std::int64_t piece_bytes,
                         std::int64_t resolution_bytes, const std::function<bool()>& may_go_on);

}  // namespace mlbench::run
