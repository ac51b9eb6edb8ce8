#include "cli/pictures.hpp"

#include "cli/write_file.hpp"
#include "core/text.hpp"
#include "report/page_assets.hpp"
#include "report/pictures.hpp"
#include "run/process.hpp"

#include <unistd.h>

#include <cstdlib>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> find_on_path(const char* program) {
  const char* path = std::getenv("PATH");
  for (const auto folder : split(path == nullptr ? "" : path, ':')) {
    const auto file = fs::path(folder) / program;
    if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

/// A folder of its own for the files that Node reads; gone with this object.
class WorkFolder {
 public:
  WorkFolder() : path_(fs::temp_directory_path() / ("mlbench-" + std::to_string(::getpid()))) {}
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] fs::path file(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// Runs a program to its end. Errors: `io`, with its last words.
Status run_to_end(std::vector<std::string> argv, const fs::path& log) {
  const auto name = fs::path(argv[0]).filename().string();
  auto process =
      run::Process::start({.argv = std::move(argv), .environment = {}, .stderr_file = log});
  if (!process) return process.error();
  const auto exit = process->finish(std::chrono::minutes(2));
  if (exit.code == 0) return Done{};
  return fail(ErrorKind::io, name + " could not draw the charts (" + run::describe(exit) +
                                 "): " + std::string(trim(process->stderr_tail(400))));
}

Status make_svg(const fs::path& node, const report::Report& report, const fs::path& folder,
                const WorkFolder& work, std::vector<fs::path>& files) {
  const auto vega = work.file("vega.js"), lite = work.file("vega-lite.js");
  const auto job = report::picture_job(report, folder, {vega, lite});
  const auto script = work.file("render.js"), description = work.file("job.json");
  for (const auto& [path, text] : {std::pair(vega, std::string(report::kVegaJs)),
                                   std::pair(lite, std::string(report::kVegaLiteJs)),
                                   std::pair(script, std::string(report::kRenderJs)),
                                   std::pair(description, dump_json(job.description))}) {
    if (auto ok = write_file(path, text); !ok) return ok;
  }
  files = job.files;
  return run_to_end({node.string(), script.string(), description.string()}, work.file("log"));
}

Status make_png(const fs::path& rsvg, const WorkFolder& work, std::vector<fs::path>& files) {
  for (const auto& svg : std::vector<fs::path>(files)) {
    const auto png = fs::path(svg).replace_extension(".png");
    if (auto ok = run_to_end({rsvg.string(), "--zoom", "2", "--output", png.string(), svg.string()},
                             work.file("log"));
        !ok)
      return ok;
    files.push_back(png);
  }
  return Done{};
}

}  // namespace

Result<Pictures> write_pictures(const report::Report& report, const fs::path& folder) {
  const auto node = find_on_path("node");
  if (!node)
    return fail(ErrorKind::unsupported,
                "pictures need Node.js, which is not on PATH; install it (apt-get install nodejs, "
                "brew install node), or use the page that --html writes");
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder, error))
    return fail(ErrorKind::io, folder.string() + ": cannot be made; choose another folder");
  Pictures pictures;
  const WorkFolder work;
  if (auto ok = make_svg(*node, report, fs::absolute(folder), work, pictures.files); !ok)
    return ok.error();
  const auto rsvg = find_on_path("rsvg-convert");
  if (!rsvg) {
    pictures.missing =
        "no PNG: rsvg-convert is not on PATH (apt-get install librsvg2-bin, brew install librsvg)";
    return pictures;
  }
  if (auto ok = make_png(*rsvg, work, pictures.files); !ok) return ok.error();
  return pictures;
}

}  // namespace mlbench::cli
