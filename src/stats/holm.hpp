#pragma once

#include "stats/paired.hpp"

#include <optional>
#include <span>
#include <vector>

namespace mlbench::stats {

/// Two-sided p value of "the ratio lies within [1/(1+margin), 1+margin]": below 1 - confidence
/// exactly when the interval at that confidence lies wholly beyond that range, on one side. margin
/// 0 asks whether it differs from 1.
[[nodiscard]] double p_value(const RatioInterval& interval, double margin = 0);

/// Holm's adjusted p values over the entries that hold one; the others stay empty and are not
/// counted, because nothing was tested there.
///
/// Rejecting where the adjusted value is at most a keeps the chance of any false rejection at a,
/// whatever the dependence. Source: S. Holm, Scand. J. Stat. 6 (1979).
[[nodiscard]] std::vector<std::optional<double>> holm_adjust(
    std::span<const std::optional<double>> p_values);

/// The intervals of K cases widened so that their decisions are Holm's: an adjusted interval lies
/// wholly beyond [1/(1+margin), 1+margin] exactly when Holm's procedure at 1 - `confidence` rejects
/// that the ratio lies within it.
///
/// They are for decisions (regression gate, "key finding"). A set of intervals that all cover their
/// truth together with `confidence` is at_confidence(i, 1 - (1 - confidence) / K).
[[nodiscard]] std::vector<std::optional<RatioInterval>> holm_intervals(
    std::span<const std::optional<RatioInterval>> intervals, double confidence = 0.95,
    double margin = 0);

}  // namespace mlbench::stats
