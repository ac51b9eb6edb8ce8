// JSON that is accepted can be written and read again; nothing else may happen to any bytes.
#include "core/json.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = mlbench::parse_json(mlbench::fuzz::text_of(data, size));
  if (!json) return 0;
  mlbench::fuzz::require(mlbench::parse_json(mlbench::dump_json(*json)).has_value());
  for (const char* key : {"a", "id", "samples_s"}) {
    (void)mlbench::get_string(*json, key);
    (void)mlbench::get_int(*json, key);
    (void)mlbench::get_number(*json, key);
    (void)mlbench::get_bool(*json, key);
    (void)mlbench::get_numbers(*json, key);
    (void)mlbench::find_strings(*json, key);
  }
  return 0;
}
