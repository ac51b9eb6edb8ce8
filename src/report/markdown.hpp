#pragma once

#include "report/model.hpp"

#include <string>

namespace mlbench::report {

/// The first screen as GitHub-flavoured Markdown, for a README or an issue. Names of others are
/// escaped: they cannot make links, HTML or table cells.
[[nodiscard]] std::string to_markdown(const Report& report);

/// `text` so that Markdown shows it as it is, on one line.
[[nodiscard]] std::string markdown_escape(const std::string& text);

}  // namespace mlbench::report
