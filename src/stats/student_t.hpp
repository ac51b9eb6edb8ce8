#pragma once

namespace mlbench::stats {

/// Regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 <= x <= 1; NaN outside.
///
/// Source: continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, with
/// the symmetry 8.17.4. Relative error below 1e-12 for a, b <= 1000.
[[nodiscard]] double incomplete_beta(double a, double b, double x);

/// P(T <= t) of Student's t distribution; infinite `degrees_of_freedom` is the normal distribution.
/// NaN when `degrees_of_freedom` is not positive or `t` is NaN.
[[nodiscard]] double student_t_cdf(double t, double degrees_of_freedom);

/// P(|T| >= t) for t >= 0, without the cancellation that 1 - cdf would suffer.
[[nodiscard]] double student_t_two_sided(double t, double degrees_of_freedom);

/// The t with student_t_cdf(t) = p, for 0 < p < 1: 2.571 for p = 0.975 and 5 degrees. NaN outside.
[[nodiscard]] double student_t_quantile(double p, double degrees_of_freedom);

}  // namespace mlbench::stats
