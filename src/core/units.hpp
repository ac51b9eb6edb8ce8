#pragma once

#include <cstdint>
#include <string>

namespace mlbench {

// Scaling to readable units happens here and only here: inside, everything is seconds, bytes,
// FLOP/s and bytes/s. Each function returns three significant digits and the unit.

/// "1.23 ms", "45.6 us", "2.00 s".
[[nodiscard]] std::string format_time(double seconds);
/// Decimal prefixes, as bandwidth is quoted: "15.6 GB/s".
[[nodiscard]] std::string format_bandwidth(double bytes_per_s);
/// "207 GFLOP/s", "13.4 TFLOP/s".
[[nodiscard]] std::string format_flop_rate(double flop_per_s);
/// Binary prefixes, as memory is sized: "13.3 GiB". Exact below 1 KiB: "512 B".
[[nodiscard]] std::string format_bytes(double bytes);
/// "2.15 GFLOP".
[[nodiscard]] std::string format_flop(double flop);
/// A whole duration for people: "45 s", "2 min 05 s", "1 h 20 min".
[[nodiscard]] std::string format_duration(double seconds);
/// `value` with `digits` significant digits and no exponent: 0.0123, 1.23, 123, 12300.
[[nodiscard]] std::string format_significant(double value, int digits);

}  // namespace mlbench
