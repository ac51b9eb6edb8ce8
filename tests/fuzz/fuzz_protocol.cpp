// A message that is accepted is accepted again after it was encoded.
#include "fuzz.hpp"
#include "protocol/message.hpp"

namespace {

using namespace mlbench;
using namespace mlbench::protocol;

void bodies(const Json& body) {
  if (const auto p = prepared_from_json(body)) {
    fuzz::require(prepared_from_json(to_json(*p)).has_value());
  }
  if (const auto w = warmed_from_json(body)) {
    fuzz::require(warmed_from_json(to_json(*w)).has_value());
  }
  if (const auto b = block_from_json(body)) {
    fuzz::require(block_from_json(to_json(*b)).has_value());
  }
  if (const auto o = output_from_json(body)) {
    fuzz::require(output_from_json(to_json(*o)).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto line = fuzz::text_of(data, size);
  if (const auto hello = decode_hello(line)) {
    fuzz::require(decode_hello(encode(*hello)).has_value());
  }
  if (const auto request = decode_request(line)) {
    fuzz::require(decode_request(encode(*request)).has_value());
    bodies(request->body);
  }
  if (const auto reply = decode_reply(line)) {
    fuzz::require(decode_reply(encode(*reply)).has_value());
    bodies(reply->body);
  }
  return 0;
}
