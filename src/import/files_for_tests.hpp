#pragma once

#include "import/importer.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

/// The recorded files of other programs, and changes to them.
namespace mlbench::importing::tests {

inline std::string text_of(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::string(MLBENCH_TEST_DATA) + "/import/" + name, std::ios::binary)
              .rdbuf();
  return text.str();
}

/// `text` with `from` replaced everywhere by `to`; from must be there.
inline std::string changed(std::string text, const std::string& from, const std::string& to) {
  const bool found = text.find(from) != std::string::npos;
  if (!found) throw std::runtime_error("the test's file has no " + from);
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// One text under a name that says nothing.
inline Import import_one(const std::string& text) {
  return import_texts({{"x.dat", text}});
}

/// All files of a folder, under names that say nothing, in one folder.
inline Import import_folder(const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> texts;
  std::set<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(MLBENCH_TEST_DATA) + "/import/" + folder))
    names.insert(entry.path().filename().string());
  for (const auto& name : names)
    texts.emplace_back("here/" + std::to_string(texts.size()), text_of(folder + "/" + name));
  return import_texts(texts);
}

inline std::size_t count(const Import& import, const std::string& kind) {
  return static_cast<std::size_t>(std::count_if(import.doubts.begin(), import.doubts.end(),
                                                [&](const Doubt& d) { return d.kind == kind; }));
}

/// Whether a doubt of that kind names that field.
inline bool doubts(const Import& import, const std::string& kind, const std::string& field) {
  return std::any_of(import.doubts.begin(), import.doubts.end(), [&](const Doubt& d) {
    return d.kind == kind && std::find(d.fields.begin(), d.fields.end(), field) != d.fields.end();
  });
}

/// All kinds, for messages.
inline std::string kinds(const Import& import) {
  std::string list;
  for (const Doubt& d : import.doubts) list += d.kind + ": " + d.sentence + "\n";
  return list;
}

}  // namespace mlbench::importing::tests
