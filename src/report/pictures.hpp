#pragma once

#include "report/model.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// The charts as pictures of their own. A specification becomes SVG by the same library as on the
/// page, run by Node.js; this module makes the files that Node needs and starts nothing.
namespace mlbench::report {

/// Values of the page's colour variables: {"--torch": "#d1480f", ...}.
[[nodiscard]] std::map<std::string, std::string> theme_colors(bool dark);

struct PictureJob {
  Json description;                          ///< For render.js.
  std::vector<std::filesystem::path> files;  ///< What it will write, light before dark.
};

/// One picture a chart and colour scheme: <folder>/<chart>.svg and <folder>/<chart>-dark.svg.
[[nodiscard]] PictureJob picture_job(const Report& report, const std::filesystem::path& folder,
                                     const std::vector<std::filesystem::path>& libraries);

}  // namespace mlbench::report
