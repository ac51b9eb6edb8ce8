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

}  // namespace mlbench::run
