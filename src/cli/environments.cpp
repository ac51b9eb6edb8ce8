#include "cli/environments.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

Error bad(const std::string& text, const std::string& why) {
  return fail(ErrorKind::usage, "--env: \"" + text + "\" " + why);
}

/// The environment's folder or its Python: absolute, and with symbolic links as they are, since
/// they are what makes a virtual environment.
fs::path python_of(fs::path path) {
  std::error_code ignored;
  if (fs::is_regular_file(path / "bin" / "python", ignored)) path = path / "bin" / "python";
  return fs::absolute(path).lexically_normal();
}

/// "~/envs/old" as the shell would have it. bash expands a tilde after "NAME=" of an argument, zsh
/// and dash do not.
std::string with_home(std::string_view place) {
  const char* home = std::getenv("HOME");
  if (!place.starts_with("~/") || home == nullptr) return std::string(place);
  return home + std::string(place.substr(1));
}

bool has_workers(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with("mlbench-worker-")) return true;
  }
  return false;
}

Result<fs::path> workers_of(const std::string& text, const std::string& place,
                            const fs::path& root) {
  std::error_code ignored;
  if (!fs::exists(place, ignored)) return bad(text, "names " + place + ", which does not exist");
  if (has_workers(place)) return fs::absolute(place);
  const fs::path python = python_of(place);
  if (!fs::is_regular_file(python, ignored))
    return bad(text, "names " + place + ", which is neither a Python nor a folder with workers");
  const fs::path built = root / "build" / ("python-" + cksum(python.string())) / "bin";
  if (has_workers(built)) return built;
  return fail(ErrorKind::unsupported, "--env: the workers of " + python.string() +
                                          " are not built: ./mlbench setup --python " +
                                          python.string() + " builds them");
}

}  // namespace

std::string cksum(std::string_view text) {
  // IEEE 1003.1, cksum: CRC-32 by the polynomial 0x04C11DB7, most significant bit first, over the
  // bytes and then over their number, least significant byte first.
  std::uint32_t crc = 0;
  const auto feed = [&crc](unsigned char byte) {
    crc ^= static_cast<std::uint32_t>(byte) << 24;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 0x80000000U) != 0 ? (crc << 1) ^ 0x04C11DB7U : crc << 1;
  };
  for (const char c : text) feed(static_cast<unsigned char>(c));
  for (std::size_t n = text.size(); n != 0; n >>= 8) feed(static_cast<unsigned char>(n & 0xFFU));
  return std::to_string(~crc);
}

Result<Environment> parse_environment(const std::string& text, const fs::path& root) {
  const auto parts = split(text, ',');
  const auto equals = parts[0].find('=');
  if (equals == std::string_view::npos || !is_name(parts[0].substr(0, equals)))
    return bad(text, "is not NAME=PYTHON, such as old=~/old/bin/python");
  Environment e{.name = std::string(parts[0].substr(0, equals)), .workers = {}, .variables = {}};
  if (e.name == "again" || e.name == "wheel-blas")
    return bad(text, "uses the name " + e.name + ", which the program needs itself");
  const std::string place = with_home(parts[0].substr(equals + 1));
  if (!place.empty()) {
    auto workers = workers_of(text, place, root);
    if (!workers) return workers.error();
    e.workers = *std::move(workers);
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto at = parts[i].find('=');
    if (at == std::string_view::npos || !is_name(parts[i].substr(0, at)))
      return bad(text, "holds \"" + std::string(parts[i]) + "\", which is not VARIABLE=VALUE");
    const std::string name(parts[i].substr(0, at)), value(parts[i].substr(at + 1));
    if (name == "threads") {  // whichever library makes them
      for (const char* variable : kThreadVariables) e.variables.emplace_back(variable, value);
    } else {
      e.variables.emplace_back(name, value);
    }
  }
  if (e.workers.empty() && e.variables.empty())
    return bad(text, "changes nothing: give a Python, a folder or a VARIABLE=VALUE");
  return e;
}

Json to_json(const std::vector<Environment>& environments) {
  Json list = Json::array();
  for (const auto& e : environments) {
    Json variables = Json::array();
    for (const auto& [name, value] : e.variables) variables.push_back({name, value});
    list.push_back(
        {{"name", e.name}, {"workers", e.workers.string()}, {"variables", std::move(variables)}});
  }
  return list;
}

std::vector<Environment> environments_from_json(const Json& json) {
  std::vector<Environment> environments;
  if (!json.is_array()) return environments;
  for (const Json& item : json) {
    Environment e{.name = find_string(item, "name").value_or(""),
                  .workers = find_string(item, "workers").value_or(""),
                  .variables = {}};
    if (item.contains("variables") && item["variables"].is_array()) {
      for (const Json& v : item["variables"]) {
        if (v.is_array() && v.size() == 2 && v[0].is_string() && v[1].is_string())
          e.variables.emplace_back(v[0].get<std::string>(), v[1].get<std::string>());
      }
    }
    environments.push_back(std::move(e));
  }
  return environments;
}

}  // namespace mlbench::cli
