#include "core/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

namespace mlbench {
namespace {

struct Prefix {
  double factor;
  const char* name;
};

constexpr std::array kDecimal = {Prefix{1e15, "P"}, Prefix{1e12, "T"}, Prefix{1e9, "G"},
                                 Prefix{1e6, "M"},  Prefix{1e3, "k"},  Prefix{1, ""}};
constexpr double kKi = 1024;
constexpr std::array kBinary = {Prefix{kKi * kKi * kKi * kKi, "Ti"}, Prefix{kKi * kKi * kKi, "Gi"},
                                Prefix{kKi * kKi, "Mi"}, Prefix{kKi, "Ki"}, Prefix{1, ""}};

std::string scaled(double value, std::span<const Prefix> prefixes, const char* unit) {
  // 0.9995 rounds to 1.00 with three digits, so a value that close already takes the next prefix.
  const auto fits = [&](const Prefix& p) { return std::abs(value) >= 0.9995 * p.factor; };
  const auto it = std::find_if(prefixes.begin(), prefixes.end(), fits);
  const Prefix prefix = it == prefixes.end() ? prefixes.back() : *it;
  return format_significant(value / prefix.factor, 3) + " " + prefix.name + unit;
}

}  // namespace

std::string format_significant(double value, int digits) {
  if (value == 0) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  int decimals = std::max(0, digits - 1 - magnitude);
  // Rounding may carry into a further digit (9.996 -> 10.0): drop the decimal that is then too
  // many.
  const double scale = std::pow(10.0, decimals);
  const double rounded = std::round(value * scale) / scale;
  if (decimals > 0 && std::abs(rounded) >= std::pow(10.0, magnitude + 1)) --decimals;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string format_time(double seconds) {
  constexpr std::array kTimes = {Prefix{1, "s"}, Prefix{1e-3, "ms"}, Prefix{1e-6, "us"},
                                 Prefix{1e-9, "ns"}};
  return scaled(seconds, kTimes, "");
}

std::string format_bandwidth(double bytes_per_s) {
  return scaled(bytes_per_s, kDecimal, "B/s");
}
std::string format_flop_rate(double flop_per_s) {
  return scaled(flop_per_s, kDecimal, "FLOP/s");
}
std::string format_bytes(double bytes) {
  return scaled(bytes, kBinary, "B");
}
std::string format_flop(double flop) {
  return scaled(flop, kDecimal, "FLOP");
}

std::string format_duration(double seconds) {
  const auto total = static_cast<long long>(std::llround(seconds));
  std::array<char, 64> text{};
  if (total < 60) {
    std::snprintf(text.data(), text.size(), "%lld s", total);
  } else if (total < 3600) {
    std::snprintf(text.data(), text.size(), "%lld min %02lld s", total / 60, total % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%lld h %02lld min", total / 3600, total / 60 % 60);
  }
  return text.data();
}

}  // namespace mlbench
