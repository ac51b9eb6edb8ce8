// Any text is imported or refused with one sentence; every value is understood or listed; the rules
// and what is stored hold for whatever was read.
#include "fuzz.hpp"
#include "import/importer.hpp"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlbench;
  const std::string text(fuzz::text_of(data, size));
  const auto import = importing::import_texts({{"a/x", text}, {"a/y", text}});
  for (const auto& refused : import.refused) {
    fuzz::require(!refused.error.message.empty());
    fuzz::require(refused.error.message.find('\n') == std::string::npos);
  }
  for (const auto& file : import.batch.files) {
    std::size_t understood = 0;
    for (std::size_t i = 0; i < file.values.size(); ++i)
      understood += file.values.at(i).understood ? 1U : 0U;
    fuzz::require(understood + file.values.not_understood().size() == file.values.size());
    for (const auto& journal : importing::journals_of(import, file)) {
      for (const auto& line : journal.lines) (void)dump_json(line);
    }
  }
  for (const auto& doubt : import.doubts)
    fuzz::require(!doubt.fields.empty() && !doubt.sentence.empty());
  (void)dump_json(importing::to_json(import));
  return 0;
}
