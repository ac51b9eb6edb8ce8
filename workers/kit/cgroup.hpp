#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlbench::kit {

/// The group's folders of `controller` ("" for version 2), from the text of /proc/self/cgroup,
/// innermost first and the root last: "/a/b" gives {"/a/b", "/a", ""}. Empty when the process is in
/// no such group.
[[nodiscard]] std::vector<std::string> cgroup_folders(std::string_view text,
                                                      std::string_view controller);

}  // namespace mlbench::kit
