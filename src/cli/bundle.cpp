#include "cli/bundle.hpp"

#include "store/journal.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestLog = std::size_t{256} << 10;

/// At most the last kLongestLog bytes for a log, everything for a journal.
std::string read_text(const fs::path& path, std::size_t longest) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  std::string all = std::move(text).str();
  return all.size() > longest ? all.substr(all.size() - longest) : all;
}

std::vector<std::pair<std::string, std::string>> secrets_of_this_user() {
  std::vector<std::pair<std::string, std::string>> secrets;
  const auto add = [&](const char* value, const char* stand_in) {
    std::string secret = value == nullptr ? "" : value;
    while (secret.ends_with('/')) secret.pop_back();
    if (!secret.empty()) secrets.emplace_back(secret, stand_in);
  };
  add(std::getenv("HOME"), "<home>");
  add(std::getenv("USER"), "<user>");
  add(std::getenv("TMPDIR"), "<tmp>");  // on macOS a folder whose name belongs to the user
  if (const passwd* entry = getpwuid(getuid())) {
    add(entry->pw_dir, "<home>");
    add(entry->pw_name, "<user>");
  }
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0) {
    add(host.data(), "<host>");
    const std::string name(host.data());
    secrets.emplace_back(name.substr(0, name.find('.')), "<host>");
  }
  return secrets;
}

bool is_word(const std::string& text, std::size_t i) {
  return i < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
}

}  // namespace

std::string without_secrets(std::string text,
                            std::vector<std::pair<std::string, std::string>> secrets) {
  std::stable_sort(secrets.begin(), secrets.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  for (const auto& [secret, stand_in] : secrets) {
    if (secret.size() < 2) continue;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      const bool alone = (at == 0 || !is_word(text, at - 1) || !is_word(secret, 0)) &&
                         !is_word(text, at + secret.size());
      if (alone) text.replace(at, secret.size(), stand_in);
      at += alone ? stand_in.size() : secret.size();
    }
  }
  return text;
}

Status write_bundle(const fs::path& path, const Json& findings, const Json& machine,
                    const Json& subjects, const fs::path& results_dir) {
  Json bundle = {{"schema", "mlbench.bundle/1"}, {"doctor", findings}, {"machine", machine},
                 {"subjects", subjects},         {"journal", nullptr}, {"logs", Json::object()}};
  // ./mlbench says where it lies; a program that was started without it was not set up by it.
  if (const char* root = std::getenv("MLBENCH_ROOT")) {
    std::error_code ignored;
    const auto set_up = fs::path(root) / "build" / "setup.log";
    if (fs::is_regular_file(set_up, ignored))
      bundle["logs"]["setup.log"] = read_text(set_up, kLongestLog);
  }
  if (const auto journal = store::find_journal("last", results_dir)) {
    bundle["journal"] = read_text(*journal, std::string::npos);
    fs::path logs = *journal;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(logs.replace_extension(".logs"), ignored)) {
      if (entry.path().extension() == ".log")
        bundle["logs"][entry.path().filename().string()] = read_text(entry.path(), kLongestLog);
    }
  }
  std::ofstream file(path, std::ios::binary);
  file << without_secrets(bundle.dump(1, ' ', false, Json::error_handler_t::replace),
                          secrets_of_this_user())
       << '\n';
  file.close();
  if (!file)
    return fail(ErrorKind::io,
                path.string() + ": cannot be written; name another file with --bundle");
  return Done{};
}

}  // namespace mlbench::cli
