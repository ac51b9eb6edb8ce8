#pragma once

#include "core/text.hpp"
#include "machine/linux_facts.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>

/// Machines for tests: files held in memory instead of /proc and /sys.
namespace mlbench::machine {

inline std::string test_data(const std::string& name) {
  std::ifstream file(std::string(MLBENCH_TEST_DATA) + "/machine/" + name);
  REQUIRE_MESSAGE(file.good(), "missing test data: " << name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

using FileTexts = std::map<std::string, std::string>;

/// Files from "==> path <==" and their text, as `tail -n +1 FILES` prints several files.
inline FileTexts files_of_dump(const std::string& dump) {
  FileTexts files;
  std::string* current = nullptr;
  for (const auto line : lines_of(dump)) {
    if (line.starts_with("==> ") && line.ends_with(" <==")) {
      current = &files[std::string(line.substr(4, line.size() - 8))];
    } else if (current != nullptr) {
      current->append(line).append("\n");
    }
  }
  return files;
}

inline LinuxFiles in_memory(const FileTexts& texts) {
  const auto files = std::make_shared<FileTexts>(texts);
  LinuxFiles view;
  view.read = [files](const std::string& path) -> std::optional<std::string> {
    const auto it = files->find(path);
    if (it == files->end()) return std::nullopt;
    return it->second;
  };
  view.list = [files](const std::string& folder) {
    std::set<std::string> names;
    const std::string prefix = folder + "/";
    for (const auto& [path, text] : *files) {
      if (path.starts_with(prefix)) {
        names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
      }
    }
    return std::vector<std::string>(names.begin(), names.end());
  };
  return view;
}

inline LinuxFiles recorded(const std::string& name) {
  return in_memory(files_of_dump(test_data("linux/" + name)));
}

}  // namespace mlbench::machine
