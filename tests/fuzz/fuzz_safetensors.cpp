// A header is refused in one sentence, or every tensor lies inside the file; a shard index never
// leads out of its folder.
#include "fuzz.hpp"
#include "model/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlbench;
  const auto text = fuzz::text_of(data, size);
  const auto header = model::parse_safetensors(text, size);
  if (header) {
    for (const auto& [name, entry] : *header)
      fuzz::require(entry.begin <= entry.end && entry.end <= size);
  } else {
    fuzz::require(!header.error().message.empty() &&
                  header.error().message.find('\n') == std::string::npos);
  }
  const auto index = model::parse_shard_index(text);
  if (!index) return 0;
  for (const auto& [tensor, file] : *index)
    fuzz::require(file.find('/') == std::string::npos && file != "..");
  return 0;
}
