#pragma once

#include "report/model.hpp"
#include "store/run_data.hpp"

#include <span>
#include <string>

namespace mlbench::report {

/// A run for the page: its report, first screen, charts and condensed samples. docs/page.md states
/// the document.
[[nodiscard]] Json page_of(const Report& report, const store::RunData& run);

/// One self-contained HTML file from pages: no network, no other file. Names of others go in as
/// JSON that cannot end the script element, and into the page as text.
[[nodiscard]] std::string to_html(const Json& pages);

}  // namespace mlbench::report
