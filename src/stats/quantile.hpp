#pragma once

#include <optional>
#include <span>

namespace mlbench::stats {

/// Whether every value is finite: neither NaN nor an infinity.
[[nodiscard]] bool all_finite(std::span<const double> values);

/// The `q`-quantile of `values` in any order, interpolated linearly between the two nearest order
/// statistics (R's type 7, the default of R and NumPy).
///
/// Returns nullopt when `values` is empty or holds a NaN or an infinity, or `q` is not in [0, 1].
/// Source: R. Hyndman, Y. Fan, "Sample Quantiles in Statistical Packages", Am. Stat. 50 (1996).
[[nodiscard]] std::optional<double> quantile(std::span<const double> values, double q);

/// The middle value; the mean of the middle two when their number is even.
[[nodiscard]] std::optional<double> median(std::span<const double> values);

}  // namespace mlbench::stats
