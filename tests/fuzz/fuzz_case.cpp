// A case that is accepted has an id, finite work and memory, and survives being written.
#include "fuzz.hpp"
#include "workload/workload.hpp"

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlbench;
  const auto json = parse_json(fuzz::text_of(data, size));
  if (!json) return 0;
  const auto c = workload::case_from_json(*json);
  if (!c) return 0;
  const auto again = workload::case_from_json(workload::to_json(*c));
  fuzz::require(again && again->id == c->id);
  const auto work = workload::work_of(*c);
  fuzz::require(std::isfinite(work.flop) && std::isfinite(work.bytes) && work.amount() > 0);
  fuzz::require(workload::memory_bytes_of(*c) > 0);
  return 0;
}
