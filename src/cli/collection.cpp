#include "cli/collection.hpp"

#include "report/model.hpp"
#include "store/journal.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

namespace mlbench::cli {
namespace {

namespace fs = std::filesystem;

struct Part {
  std::vector<report::CollectionRow> rows;
  std::string refused;
};

Part read_part(const fs::path& path) {
  const auto run = store::load_journal(path);
  if (!run) return {.rows = {}, .refused = run.error().message};
  return {.rows = report::collection_rows(report::build_report(*run, path.string())),
          .refused = {}};
}

}  // namespace

std::vector<std::string> expand_folders(const std::vector<std::string>& runs) {
  std::vector<std::string> all;
  for (const auto& run : runs) {
    std::error_code ignored;
    if (!fs::is_directory(run, ignored)) {
      all.push_back(run);
      continue;
    }
    std::set<std::string> journals;
    for (const auto& entry : fs::directory_iterator(run, ignored)) {
      if (entry.path().extension() == ".jsonl") journals.insert(entry.path().string());
    }
    all.insert(all.end(), journals.begin(), journals.end());
  }
  return all;
}

report::Collection load_collection(const std::vector<fs::path>& paths) {
  std::vector<Part> parts(paths.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < paths.size(); i = next++) parts[i] = read_part(paths[i]);
  };
  const auto count = std::min<std::size_t>({std::max(1U, std::thread::hardware_concurrency()), 8,
                                            std::max<std::size_t>(1, paths.size())});
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();

  report::Collection collection;
  for (Part& part : parts) {
    if (!part.refused.empty()) {
      collection.refused.push_back(std::move(part.refused));
      continue;
    }
    ++collection.runs;
    std::move(part.rows.begin(), part.rows.end(), std::back_inserter(collection.rows));
  }
  return collection;
}

}  // namespace mlbench::cli
