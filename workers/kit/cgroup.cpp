#include "kit/cgroup.hpp"

#include "core/text.hpp"

#include <algorithm>

namespace mlbench::kit {

std::vector<std::string> cgroup_folders(std::string_view text, std::string_view controller) {
  for (const auto line : lines_of(text)) {  // "hierarchy:controllers:path"
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto controllers = split(parts[1], ',');
    if (std::find(controllers.begin(), controllers.end(), controller) == controllers.end())
      continue;
    std::string path(line.substr(parts[0].size() + parts[1].size() + 2));
    std::vector<std::string> folders;
    while (path.size() > 1) {
      folders.push_back(path);
      path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
    folders.emplace_back();
    return folders;
  }
  return {};
}

}  // namespace mlbench::kit
