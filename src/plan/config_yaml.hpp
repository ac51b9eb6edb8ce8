#pragma once

#include "core/error.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The YAML that configuration files may use: nested maps with text keys, lists, scalars, comments.
namespace mlbench::plan {

/// A larger file is refused: a configuration is a few kilobytes.
inline constexpr std::size_t kMaxConfigBytes = std::size_t{256} << 10;

/// One value of a configuration file, with the line on which it starts.
struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  int line = 0;                 ///< From 1.
  std::string scalar;           ///< The text of a scalar, as written but without quotes.
  std::vector<YamlNode> items;  ///< Of a list; of a map, each with its key, in order.
  std::string key;              ///< Under which the map above holds this value; each once.
  int key_line = 0;
};

/// Parses one YAML document. Anchors, aliases, tags, several documents, and nesting beyond eight
/// levels are refused while they are read, so that no text can make a parser recurse or expand.
///
/// Errors: `usage`, one sentence that starts with "file_name:line: ".
[[nodiscard]] Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name);

/// The usage error "file_name:line: message"; without the line when it is not known (0).
[[nodiscard]] Error yaml_error(std::string_view file_name, int line, std::string_view message);

/// `text` in quotes for a message: control characters replaced, long texts shortened.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace mlbench::plan
