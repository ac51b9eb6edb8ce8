#include "cli/rehearsal.hpp"

#include "machine/recorded.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace mlbench::cli {

namespace fs = std::filesystem;

Result<std::shared_ptr<const Rehearsal>> Rehearsal::begin(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return fail(ErrorKind::usage, "--rehearsal: " + file.string() + " cannot be read");
  const auto recording = parse_json(text.str());
  if (!recording || find_string(*recording, "schema") != "mlbench.rehearsal/1" ||
      !recording->contains("workers") || !(*recording)["workers"].is_object()) {
    return fail(ErrorKind::usage,
                "--rehearsal: " + file.string() + " is no recording of schema mlbench.rehearsal/1");
  }
  auto machine = machine::recorded_mac(*recording, file.parent_path());
  if (!machine) return machine.error();

  const std::shared_ptr<Rehearsal> rehearsal(new Rehearsal);
  rehearsal->file_ = fs::absolute(file);
  rehearsal->title_ = find_string(*recording, "title").value_or(file.stem().string());
  rehearsal->workers_ = (*recording)["workers"];
  std::string folder = (fs::temp_directory_path() / "mlbench-rehearsal-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr)
    return fail(ErrorKind::io, "no folder can be made in " + fs::temp_directory_path().string());
  rehearsal->folder_ = folder;
  machine::answer_from(*std::move(machine));
  return std::shared_ptr<const Rehearsal>(rehearsal);
}

Rehearsal::~Rehearsal() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

bool Rehearsal::plays(const std::string& framework) const {
  return workers_.contains(framework);
}

std::vector<std::pair<std::string, std::string>> Rehearsal::environment(
    const std::string& framework) const {
  return {{"MLBENCH_REHEARSAL", file_.string()},
          {"MLBENCH_REHEARSAL_PART", framework},
          {"MLBENCH_REHEARSAL_FOLDER", folder_.string()}};
}

}  // namespace mlbench::cli
