#include "machine/recorded.hpp"

#include "machine/macos_facts.hpp"
#include "machine/system.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>

namespace mlbench::machine {
namespace {

std::optional<Recorded>& recording_in_use() {
  static std::optional<Recorded> recorded;
  return recorded;
}

const Json* list_under(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it == json.end() || !it->is_array() ? nullptr : &*it;
}

}  // namespace

Result<Recorded> recorded_mac(const Json& recording, const std::filesystem::path& folder) {
  const auto name = get_string(recording, "sysctl");
  if (!name) return fail(ErrorKind::usage, "the recording names no dump: " + name.error().message);
  std::ifstream file(folder / *name);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(ErrorKind::usage, (folder / *name).string() + ": cannot be read");

  Recorded recorded{.machine = macos_machine(parse_sysctl(text.str())), .states = {}};
  Machine& machine = recorded.machine;
  machine.architecture = "arm64";
  if (const Json* gpus = list_under(recording, "gpus")) {
    for (const Json& gpu : *gpus) {
      Gpu& added = machine.gpus.emplace_back();
      added.name = find_string(gpu, "name");
      added.cores = find_int(gpu, "cores");
    }
  }
  if (const Json* states = list_under(recording, "states")) {
    for (const Json& state : *states) recorded.states.push_back(state_from_json(state));
  }
  if (recorded.states.empty()) recorded.states.emplace_back();
  machine.state = recorded.states.front();
  machine.memory.available_bytes = machine.state.memory_available_bytes;
  return recorded;
}

void answer_from(Recorded recorded) {
  recording_in_use() = std::move(recorded);
}

Result<Machine> discover() {
  if (const auto& recorded = recording_in_use()) return recorded->machine;
  return discover_system();
}

MachineState sample_state() {
  const auto& recorded = recording_in_use();
  if (!recorded) return sample_system_state();
  static std::atomic<std::size_t> asked{0};
  MachineState state = recorded->states[std::min(asked++, recorded->states.size() - 1)];
  // The clock is this machine's: what happened between two samples is told by their times.
  state.time_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return state;
}

}  // namespace mlbench::machine
