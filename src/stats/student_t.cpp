#include "stats/student_t.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace mlbench::stats {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// 1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22, by Lentz's method as modified by Thompson and Barnett
/// (J. Comput. Phys. 64, 1986). Needs about sqrt(max(a, b)) terms for x < (a+1)/(a+b+2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMaxTerms = 100000;
  double value = 1, c = 1, d = 0;
  for (int n = 1; n <= kMaxTerms; ++n) {
    const double m = (n - n % 2) / 2.0;  // d_{2m} and d_{2m+1} share m
    const double numerator = n % 2 == 0
                                 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                 : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + numerator * d;
    c = 1 + numerator / c;
    if (std::abs(d) < kTiny) d = kTiny;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    value *= c * d;
    if (std::abs(c * d - 1) < 1e-16) break;
  }
  return value;
}

/// I_x(a, b) given both x and y = 1 - x, so that neither end loses digits.
double incomplete_beta(double a, double b, double x, double y) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, y, x);
  const double log_beta = std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
  const double log_front = a * std::log(x) + b * std::log(y) - log_beta;
  return std::exp(log_front) / (a * beta_fraction(a, b, x));
}

/// P(T > t) for t >= 0 (DLMF 8.17, A&S 26.7.1).
double upper_tail(double t, double df) {
  if (std::isinf(df)) return std::erfc(t / std::numbers::sqrt2) / 2;
  const double ratio = t / std::sqrt(df), square = ratio * ratio;
  // For enormous t, 1/(1 + square) underflows before the probability does: the leading term.
  if (square > 1e30) {
    const double log_beta = std::lgamma(df / 2) + std::lgamma(0.5) - std::lgamma((df + 1) / 2);
    return std::exp(-df * std::log(ratio) - log_beta) / df;
  }
  return incomplete_beta(df / 2, 0.5, 1 / (1 + square), square / (1 + square)) / 2;
}

/// P(0 < T < t) for t >= 0.
double central(double t, double df) {
  if (std::isinf(df)) return std::erf(t / std::numbers::sqrt2) / 2;
  const double square = t * (t / df);
  return incomplete_beta(0.5, df / 2, square / (1 + square), 1 / (1 + square)) / 2;
}

/// The t > 0 at which `above(t)` turns true, by halving the interval of log(t).
template <class Predicate>
double bisect_log(Predicate above) {
  double low = std::log(std::numeric_limits<double>::min());
  double high = std::log(std::numeric_limits<double>::max());
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return std::exp(middle);
    (above(std::exp(middle)) ? high : low) = middle;
  }
}

double search_quantile(double p, double degrees_of_freedom) {
  if (p == 0.5) return 0;
  if (p > 0.25 && p < 0.75) {
    const double t =
        bisect_log([&](double x) { return central(x, degrees_of_freedom) >= std::abs(p - 0.5); });
    return p < 0.5 ? -t : t;
  }
  const double tail = p < 0.5 ? p : 1 - p;
  const double t = bisect_log([&](double x) { return upper_tail(x, degrees_of_freedom) <= tail; });
  return p < 0.5 ? -t : t;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return kNaN;
  return incomplete_beta(a, b, x, 1 - x);
}

double student_t_two_sided(double t, double degrees_of_freedom) {
  if (!(degrees_of_freedom > 0) || !(t >= 0)) return kNaN;
  return 2 * upper_tail(t, degrees_of_freedom);
}

double student_t_cdf(double t, double degrees_of_freedom) {
  if (!(degrees_of_freedom > 0) || std::isnan(t)) return kNaN;
  if (t < 0) return upper_tail(-t, degrees_of_freedom);
  return 1 - upper_tail(t, degrees_of_freedom);
}

double student_t_quantile(double p, double degrees_of_freedom) {
  if (!(p > 0 && p < 1) || !(degrees_of_freedom > 0)) return kNaN;
  // A collection of runs asks for the same quantile ten thousand times in a row.
  static thread_local std::array<double, 3> last = {kNaN, kNaN, kNaN};
  if (last[0] == p && last[1] == degrees_of_freedom) return last[2];
  last = {p, degrees_of_freedom, search_quantile(p, degrees_of_freedom)};
  return last[2];
}

}  // namespace mlbench::stats
