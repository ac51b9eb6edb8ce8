#pragma once

#include <string_view>

/// The page's own files (src/report/page) and the chart library (third_party/vega), built into the
/// program by cmake/Embed.cmake.
namespace mlbench::report {

extern const std::string_view kPageHtml, kPageCss, kPageJs, kVegaJs, kVegaLiteJs, kRenderJs;

}  // namespace mlbench::report
