// A journal's lines are folded in or refused with one sentence.
#include "core/text.hpp"
#include "fuzz.hpp"
#include "store/run_data.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlbench;
  store::RunData run;
  for (const auto line : lines_of(fuzz::text_of(data, size))) {
    if (const auto flat = FlatLine::parse(line)) {
      fuzz::require(parse_json(line).has_value());  // never takes what is not JSON
      (void)run.add_flat(*flat);
    }
    const auto json = parse_json(line);
    if (!json) continue;
    if (const auto added = run.add(*json); !added) fuzz::require(!added.error().message.empty());
  }
  for (const auto& c : run.cases) {
    (void)c.work.amount();
    for (const int round : run.rounds_of(c.definition.id)) (void)round;
  }
  return 0;
}
