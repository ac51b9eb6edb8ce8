#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlbench {

/// `text` without spaces, tabs and line ends at both sides.
[[nodiscard]] std::string_view trim(std::string_view text);

/// The parts of `text` between `separator`s; "a,,b" gives three parts, "" gives one empty part.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// Whole lines of `text`, without their line ends.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// "a, b, c".
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);

/// Words of outside data as a sentence can hold them: no control characters, and after `most` bytes
/// "...".
[[nodiscard]] std::string shown(std::string text, std::size_t most = 60);

/// Whether `pattern` matches all of `text`; `*` stands for any run of characters (also '/'), `?`
/// for one.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

/// The candidate with the fewest edits to `word`, when that is at most a third of its length
/// (at least 2): "did you mean ...". Ties go to the first.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

/// Whole-text number parsing that does not depend on the locale; nullopt when anything is left
/// over.
[[nodiscard]] std::optional<long long> parse_int(std::string_view text);
[[nodiscard]] std::optional<double> parse_double(std::string_view text);

/// Seconds of "90", "90s", "5m", "1h" or "1.5m"; nullopt when it is none of these or not positive.
[[nodiscard]] std::optional<double> parse_duration_s(std::string_view text);

}  // namespace mlbench
