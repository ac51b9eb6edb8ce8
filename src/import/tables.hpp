#pragma once

#include "core/json.hpp"

#include <optional>
#include <vector>

namespace mlbench::importing {

/// Text that holds tables, as one tree: {"text": [line, ...], "tables": [[{column: cell}, ...],
/// ...]}. Cells are text as they were written, without the space around them.
struct Tables {
  Json root = {{"text", Json::array()}, {"tables", Json::array()}};
  /// For each table, the line of "text" that stands over it as a heading, if one does.
  std::vector<std::optional<std::size_t>> headings;
};

/// Every table of a Markdown text; all other lines that are not empty become "text". A heading is
/// the nearest line above a table that is bold or begins with '#'.
[[nodiscard]] Tables parse_markdown(std::string_view text);

/// RFC 4180: quoted cells may hold commas, line ends and doubled quotes. One table.
[[nodiscard]] Tables parse_csv(std::string_view text);

/// INSERT INTO statements with a list of columns, one table in all; other statements become "text"
/// unless they are CREATE TABLE. Errors: `protocol` for a statement that is cut off or has another
/// number of values than columns.
[[nodiscard]] Result<Tables> parse_sql(std::string_view text);

}  // namespace mlbench::importing
