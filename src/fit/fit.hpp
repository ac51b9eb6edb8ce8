#pragma once

#include "core/json.hpp"
#include "fit/memory.hpp"
#include "fit/runtime.hpp"
#include "fit/speed.hpp"
#include "fit/target.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mlbench::fit {

/// The question, as a person puts it. Empty texts mean the default.
struct Request {
  std::string model;  ///< A name, a folder, or a config.json.
  std::string dtype, quant, runtime;
  std::string machine = "this";
  std::optional<std::int64_t> context, batch;
  std::string training;  ///< "full", "lora".
};

/// The limit that a need runs into.
enum class LimitKind { largest_buffer, working_set, memory };
[[nodiscard]] const char* name_of(LimitKind kind);

/// One way out, computed.
struct Option {
  std::string change;    ///< "4-bit weights (4bit)"
  bool fits = false;     ///< As far as is known.
  bool depends = false;  ///< Fits if something holds that is not known here; `change` says what.
  std::string command;   ///< What to run.
  std::optional<std::int64_t> total_bytes;
  std::optional<Range> decode;
};

/// The model on the machine: everything that was asked, resolved.
struct Case {
  model::ModelShape shape;
  Format format;
  Load load;
  Target target;
  RuntimeChoice runtime;
  RuntimeConstants constants;
};

struct Answer {
  Case question;
  std::string model_word;  ///< As asked for; commands repeat it.
  std::string machine_word;
  std::int64_t parameters = 0;
  Need need;
  bool fits = false;
  std::optional<LimitKind> binding;   ///< The limit that is broken furthest; nullopt when it fits.
  std::optional<LimitKind> tightest;  ///< The limit that is used most, whether it fits or not.
  std::optional<std::int64_t> largest_context,
      largest_batch;  ///< nullopt: not even 1 fits; or training.
  Speed speed;
  std::vector<Option> options;
  std::vector<std::string> notes;
};

/// Constants of the question's runtime that decide memory, corrected where a run here was measured.
[[nodiscard]] MemoryModel memory_model(const Case& question);

/// Resolves names, files and defaults. `here` is needed for machine "this" only. Errors: `usage`
/// and `unsupported`, naming the flag, the file or the field.
[[nodiscard]] Result<Case> resolve(const Request& request, const machine::Machine& here,
                                   const Measured& measured);

/// The limit of that kind, and what is held against it.
[[nodiscard]] const Limit& limit_of(const Target& target, LimitKind kind);
[[nodiscard]] std::int64_t need_for(const Need& need, LimitKind kind);
/// "the GPU's working set".
[[nodiscard]] const char* in_words(LimitKind kind, const Target& target);

/// Computes everything about `question`. Errors: `usage` for loads beyond any machine.
[[nodiscard]] Result<Answer> answer(const Case& question, const Request& request);

/// The document of schema mlbench.fit/1.
[[nodiscard]] Json to_json(const Answer& answer);

/// The limit that `need` breaks furthest on `target`, or that it uses most; nullopt where no limit
/// is known.
struct Judgement {
  std::optional<LimitKind> tightest;
  bool fits = true;
};
[[nodiscard]] Judgement judge(const Need& need, const Target& target);

}  // namespace mlbench::fit
