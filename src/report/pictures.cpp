#include "report/pictures.hpp"

#include "core/text.hpp"
#include "report/charts.hpp"
#include "report/page_assets.hpp"

namespace mlbench::report {

std::map<std::string, std::string> theme_colors(bool dark) {
  // The first rule of page.css is the light theme, the second the dark one.
  std::string_view css = kPageCss;
  css.remove_prefix(css.find('{') + 1);
  if (dark) css.remove_prefix(css.find('{') + 1);
  css = css.substr(0, css.find('}'));
  std::map<std::string, std::string> colors;
  for (const auto declaration : split(css, ';')) {
    const auto colon = declaration.find(':');
    if (colon == std::string_view::npos) continue;
    const auto name = trim(declaration.substr(0, colon));
    if (name.starts_with("--")) colors[std::string(name)] = trim(declaration.substr(colon + 1));
  }
  return colors;
}

PictureJob picture_job(const Report& report, const std::filesystem::path& folder,
                       const std::vector<std::filesystem::path>& libraries) {
  PictureJob job{.description = {{"libraries", Json::array()}, {"charts", Json::array()}},
                 .files = {}};
  for (const auto& library : libraries) job.description["libraries"].push_back(library.string());
  for (const auto& chart : charts_of(report)) {
    for (const bool dark : {false, true}) {
      const auto file = folder / (chart.id + (dark ? "-dark" : "") + ".svg");
      job.files.push_back(file);
      job.description["charts"].push_back({{"title", chart.title},
                                           {"spec", chart.spec},
                                           {"file", file.string()},
                                           {"colors", theme_colors(dark)}});
    }
  }
  return job;
}

}  // namespace mlbench::report
