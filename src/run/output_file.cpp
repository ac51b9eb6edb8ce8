#include "run/output_file.hpp"

#include "protocol/message.hpp"

#include <fstream>
#include <system_error>

namespace mlbench::run {

Result<workload::TensorData> read_output(const Json& answer, const std::filesystem::path& path,
                                         std::vector<std::byte> buffer) {
  const auto output = protocol::output_from_json(answer);
  if (!output) return output.error();
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return fail(ErrorKind::io, path.string() + ": cannot be read");
  buffer.resize(static_cast<std::size_t>(file.tellg()));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(buffer.data()), static_cast<std::streamsize>(buffer.size()));
  const bool complete = static_cast<bool>(file);
  file.close();
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  if (!complete) return fail(ErrorKind::io, path.string() + ": cannot be read");
  return workload::TensorData{
      .shape = output->shape, .dtype = output->dtype, .bytes = std::move(buffer)};
}

Status room_for_output(const workload::Case& c, const std::filesystem::path& path) {
  constexpr std::uintmax_t kForTheJournal = 64 << 10;
  std::error_code error;
  std::filesystem::remove(path, error);
  const auto space = std::filesystem::space(path.parent_path(), error);
  const auto needed = static_cast<std::uintmax_t>(workload::output_of(c).bytes()) + kForTheJournal;
  if (error || space.available >= needed) return Done{};
  return fail(ErrorKind::io, path.parent_path().string() + ": No space left for the output of " +
                                 c.id + " (" + std::to_string(needed) +
                                 " bytes); what was measured so far is kept and --resume goes on "
                                 "from it");
}

}  // namespace mlbench::run
