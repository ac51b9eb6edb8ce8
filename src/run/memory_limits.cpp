#include "run/memory_limits.hpp"

#include <algorithm>

namespace mlbench::run {
namespace {

constexpr double kCollapsed = 1.0 / 3;

std::int64_t whole_pages(std::int64_t bytes) {
  constexpr std::int64_t kPage = 16384;  // Apple's, and a multiple of the others
  return std::max(kPage, bytes / kPage * kPage);
}

}  // namespace

Json to_json(const LimitRow& r) {
  return {{"name", r.name},
          {"subject", r.subject.empty() ? Json(nullptr) : Json(r.subject)},
          {"read_bytes", to_json_or_null(r.read_bytes)},
          {"measured_bytes", to_json_or_null(r.measured_bytes)},
          {"refused_bytes", to_json_or_null(r.refused_bytes)},
          {"ratio", to_json_or_null(r.ratio)},
          {"source", r.source}};
}

LimitRow limit_row_from_json(const Json& json) {
  return {.name = find_string(json, "name").value_or(""),
          .subject = find_string(json, "subject").value_or(""),
          .read_bytes = find_int(json, "read_bytes"),
          .measured_bytes = find_int(json, "measured_bytes"),
          .refused_bytes = find_int(json, "refused_bytes"),
          .ratio = find_number(json, "ratio"),
          .source = find_string(json, "source").value_or("")};
}

Bracket largest_passing(const std::function<bool(std::int64_t)>& attempt, std::int64_t bound_bytes,
                        std::int64_t resolution_bytes, const std::function<bool()>& may_go_on) {
  const std::int64_t bound = whole_pages(bound_bytes);
  if (attempt(bound)) return {.passed_bytes = bound, .refused_bytes = {}};
  Bracket bracket{.passed_bytes = 0, .refused_bytes = bound};
  while (*bracket.refused_bytes - bracket.passed_bytes > resolution_bytes && may_go_on()) {
    const auto middle =
        whole_pages(bracket.passed_bytes + (*bracket.refused_bytes - bracket.passed_bytes) / 2);
    if (middle <= bracket.passed_bytes || middle >= *bracket.refused_bytes) break;
    if (attempt(middle)) {
      bracket.passed_bytes = middle;
    } else {
      bracket.refused_bytes = middle;
    }
  }
  return bracket;
}

Total fill(const std::function<Attempt(std::int64_t)>& add, std::int64_t bound_bytes,
           std::int64_t piece_bytes, std::int64_t resolution_bytes,
           const std::function<bool()>& may_go_on) {
  Total total;
  std::int64_t held = 0, piece = whole_pages(piece_bytes);
  double best_bytes_per_s = 0;
  while (held < bound_bytes && may_go_on()) {
    piece = std::min(piece, whole_pages(bound_bytes - held));
    const Attempt attempt = add(piece);
    if (!attempt.ok) {
      total.touched.refused_bytes = held + piece;
      piece = whole_pages(piece / 2);
      if (piece < resolution_bytes) break;
      continue;
    }
    held += piece;
    total.touched.passed_bytes = held;
    const double speed = static_cast<double>(held) / std::max(attempt.touch_s, 1e-9);
    best_bytes_per_s = std::max(best_bytes_per_s, speed);
    if (speed < kCollapsed * best_bytes_per_s) {
      total.slow_from_bytes = held;
      break;
    }
  }
  // Smaller pieces may have gone beyond what was once refused.
  if (total.touched.refused_bytes && *total.touched.refused_bytes <= held)
    total.touched.refused_bytes = std::nullopt;
  return total;
}

}  // namespace mlbench::run
