// A GGUF file is refused in one sentence, or every tensor lies inside it and its config is JSON.
#include "fuzz.hpp"
#include "model/gguf.hpp"
#include "model/maths.hpp"

namespace {

void require_sentence(const mlbench::Error& error) {
  mlbench::fuzz::require(!error.message.empty() && error.message.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlbench;
  const auto text = fuzz::text_of(data, size);
  const auto header = model::parse_gguf(text);
  if (!header) {
    require_sentence(header.error());
    return 0;
  }
  for (const auto& [name, entry] : header->tensors) {
    fuzz::require(entry.begin <= size && entry.bytes() >= 0 &&
                  static_cast<std::uint64_t>(entry.bytes()) <= size - entry.begin);
  }
  const auto config = model::gguf_config(*header, text);
  if (!config) {
    require_sentence(config.error());
    return 0;
  }
  const auto spec = model::parse_spec(*config, "fuzzed");
  if (!spec) require_sentence(spec.error());
  return 0;
}
