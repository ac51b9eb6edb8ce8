#pragma once

#include "core/error.hpp"
#include "core/json.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mlbench::cli {

/// A recorded machine on which commands are rehearsed: the fake worker plays the frameworks that
/// were recorded there, and its times are invented. Nothing of it is a measurement, and everything
/// that comes out of it says so.
class Rehearsal {
 public:
  /// Makes discover() and sample_state() answer from the recording in `file` (format:
  /// tests/data/rehearsal/README.md) until this process ends. Errors: `usage`, naming the file.
  [[nodiscard]] static Result<std::shared_ptr<const Rehearsal>> begin(
      const std::filesystem::path& file);

  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  [[nodiscard]] const std::string& title() const { return title_; }  ///< "M5 10-core, 24 GB".
  [[nodiscard]] bool plays(const std::string& framework) const;
  /// What tells the fake worker which part it plays.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment(
      const std::string& framework) const;

 private:
  Rehearsal() = default;

  std::filesystem::path file_, folder_;  // folder_: outputs that the workers share; removed
  std::string title_;
  Json workers_;
};

}  // namespace mlbench::cli
