// Any text is a configuration or gets one sentence that names the file.
#include "fuzz.hpp"
#include "plan/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = mlbench::plan::parse_config(mlbench::fuzz::text_of(data, size), "f.yaml");
  if (config) return 0;
  const std::string& sentence = config.error().message;
  mlbench::fuzz::require(sentence.starts_with("f.yaml:") && sentence.size() < 1000);
  mlbench::fuzz::require(sentence.find('\n') == std::string::npos);
  return 0;
}
