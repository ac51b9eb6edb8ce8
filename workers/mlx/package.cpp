#include "mlx/package.hpp"

#include "core/text.hpp"
#include "kit/bound_blas.hpp"

#include <mlx/version.h>

#include <dlfcn.h>

#include <fstream>
#include <iterator>
#include <vector>

namespace mlbench::mlx_worker {
namespace {

namespace fs = std::filesystem;

/// The file of the library that holds MLX's own version function.
std::optional<fs::path> library_path() {
  Dl_info info{};
  const auto* address = reinterpret_cast<const void*>(&::mlx::core::version);
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return std::nullopt;
  std::error_code unresolved;
  auto path = fs::canonical(info.dli_fname, unresolved);
  return unresolved ? fs::path(info.dli_fname) : path;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// The package that brought the library (not "mlx" itself, which only holds the Python part).
std::optional<fs::path> package_folder(const fs::path& site_packages) {
  std::error_code unreadable;
  for (const auto& entry : fs::directory_iterator(site_packages, unreadable)) {
    const auto name = entry.path().filename().string();
    if (glob_match("mlx_*.dist-info", name)) return entry.path();
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> metadata_field(std::string_view text, std::string_view key) {
  for (const auto line : lines_of(text)) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ':') {
      return std::string(trim(line.substr(key.size() + 1)));
    }
  }
  return std::nullopt;
}

std::optional<bool> file_contains(const fs::path& file, std::string_view word) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string window;
  std::vector<char> chunk(std::size_t{1} << 20);
  while (stream) {
    stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    window.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
    if (window.find(word) != std::string::npos) return true;
    // The word may lie across two chunks.
    if (window.size() >= word.size()) window.erase(0, window.size() - (word.size() - 1));
  }
  return false;
}

Json package_facts() {
  Json json = {{"library", nullptr},  {"name", nullptr},
               {"version", nullptr},  {"tag", nullptr},
               {"metallib", nullptr}, {"neural_accelerator_kernels", nullptr}};
  const auto library = library_path();
  if (!library) return json;
  json["library"] = library->string();
  const auto metallib = library->parent_path() / "mlx.metallib";
  if (const auto found = file_contains(metallib, "_nax_")) {
    json["metallib"] = metallib.string();
    json["neural_accelerator_kernels"] = *found;
  }
  // .../site-packages/mlx/lib/libmlx.so
  const auto folder = package_folder(library->parent_path().parent_path().parent_path());
  if (!folder) return json;
  const auto metadata = read_text(*folder / "METADATA");
  json["name"] = to_json_or_null(metadata_field(metadata, "Name"));
  json["version"] = to_json_or_null(metadata_field(metadata, "Version"));
  json["tag"] = to_json_or_null(metadata_field(read_text(*folder / "WHEEL"), "Tag"));
  return json;
}

}  // namespace mlbench::mlx_worker
