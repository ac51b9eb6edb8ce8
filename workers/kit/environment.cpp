#include "kit/environment.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <map>

extern "C" char** environ;

namespace mlbench::kit {

Json matching_environment(std::span<const std::string_view> patterns) {
  std::map<std::string, std::string> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = text.substr(0, equals);
    const auto matches = [&](std::string_view pattern) { return glob_match(pattern, name); };
    if (std::any_of(patterns.begin(), patterns.end(), matches)) {
      found.emplace(name, text.substr(equals + 1));
    }
  }
  Json json = Json::object();
  for (const auto& [name, value] : found) json[name] = value;
  return json;
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace mlbench::kit
