#include "fit/options.hpp"

#include "core/units.hpp"
#include "model/known_models.hpp"

#include <algorithm>
#include <functional>

namespace mlbench::fit {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kMostContext = std::int64_t{1} << 24, kMostBatch = 4096;
/// A shorter context is offered as no cure.
constexpr std::int64_t kLeastContext = 512;

bool fits(const Case& c) {
  const auto need = need_of(c.shape, c.format, c.load, memory_model(c));
  return need && judge(*need, c.target).fits;
}

/// `holds` is true up to some number and false beyond.
std::optional<std::int64_t> largest(std::int64_t most,
                                    const std::function<bool(std::int64_t)>& holds) {
  if (!holds(1)) return std::nullopt;
  std::int64_t low = 1, high = most + 1;  // holds(low), not holds(high)
  if (holds(most)) return most;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

std::string quoted(const std::string& word) {
  const bool plain = word.find_first_of(" '\"$`\\()&;|<>*?") == std::string::npos;
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

/// The command that asks about `c`, with the words of the request where they still hold.
std::string command_for(const Case& c, const std::string& model, const Request& r) {
  std::string text = "mlbench fit " + quoted(model);
  if (c.format.kind != Format::Kind::plain)
    text += " --quant " + c.format.name;
  else
    text += " --dtype " + c.format.name;
  if (r.context || c.load.context != 2048) text += " --context " + std::to_string(c.load.context);
  if (c.load.batch != 1) text += " --batch " + std::to_string(c.load.batch);
  if (c.load.training == Load::Training::full) text += " --train full";
  if (c.load.training == Load::Training::lora) text += " --train lora";
  if (r.machine != "this") text += " --machine " + quoted(r.machine);
  if (!r.runtime.empty()) text += " --runtime " + r.runtime;
  return text;
}

class Options {
 public:
  Options(const Answer& a, const Request& r) : a_(a), r_(r) {}

  std::vector<Option> all() {
    if (a_.question.load.training != Load::Training::none)
      training();
    else
      bits();
    if (!a_.fits) {
      batch();
      context();
      wired_limit();
      offload();
      smaller_model();
    }
    return std::move(list_);
  }

 private:
  /// Adds `c` when its memory is known; tells its speed too.
  void add(const Case& c, const std::string& change, const std::string& model) {
    const auto need = need_of(c.shape, c.format, c.load, memory_model(c));
    if (!need) return;
    Option o{.change = change,
             .fits = judge(*need, c.target).fits,
             .command = command_for(c, model, r_),
             .total_bytes = need->total_bytes,
             .decode = std::nullopt};
    if (c.load.training == Load::Training::none) {
      o.decode = predict_speed(c.shape, c.format, c.load, c.target, c.constants,
                               !c.runtime.version.empty())
                     .decode;
    }
    list_.push_back(std::move(o));
  }

  void bits() {
    for (const char* name : {"8bit", "4bit"}) {
      const Case& now = a_.question;
      const auto format = parse_quant(name, now.runtime.name, now.shape);
      if (!format || format->bits >= now.format.bits) continue;
      Case c = now;
      c.format = *format;
      add(c,
          std::string(name == std::string("4bit") ? "4" : "8") + "-bit weights (" + format->name +
              ")",
          a_.model_word);
    }
  }

  void batch() {
    const Case& now = a_.question;
    if (!a_.largest_batch || *a_.largest_batch >= now.load.batch) return;
    Case c = now;
    c.load.batch = *a_.largest_batch;
    add(c, "a batch of " + std::to_string(c.load.batch), a_.model_word);
  }

  void context() {
    const Case& now = a_.question;
    if (!a_.largest_context || *a_.largest_context >= now.load.context ||
        *a_.largest_context < kLeastContext)
      return;
    Case c = now;
    c.load.context = *a_.largest_context;
    add(c, "a context of " + std::to_string(*a_.largest_context) + " tokens", a_.model_word);
  }

  /// `c`, keeping one activation a layer: a matter of the training program, so without a command.
  void add_checkpointing(Case c, const std::string& what) {
    c.load.recompute = true;
    const auto before = list_.size();
    add(c, what + " that computes activations again (gradient checkpointing)", a_.model_word);
    if (list_.size() > before) list_.back().command.clear();
  }

  void training() {
    const Case& now = a_.question;
    const bool full = now.load.training == Load::Training::full;
    add_checkpointing(now, full ? "full training" : "LoRA");
    if (full) {
      Case c = now;
      c.load.training = Load::Training::lora;
      add(c, "LoRA of rank " + std::to_string(c.load.lora_rank) + " instead of full training",
          a_.model_word);
    }
    if (now.format.is_quantised()) return;
    Case c = now;
    c.load.training = Load::Training::lora;
    if (const auto format = parse_quant("4bit", now.runtime.name, now.shape)) {
      c.format = *format;
      const std::string beside = "LoRA beside frozen 4-bit weights (" + format->name + ")";
      add(c, beside, a_.model_word);
      add_checkpointing(c, beside);
    }
  }

  [[nodiscard]] bool is_unified() const { return a_.question.target.kind == Target::Kind::apple; }

  void wired_limit() {
    const Target& t = a_.question.target;
    if (!is_unified() || !t.working_set.bytes || !t.memory.bytes ||
        a_.need.total_bytes <= *t.working_set.bytes)
      return;
    // A margin of 256 MiB, rounded up to whole 256 MiB, because other programs use the GPU too.
    const std::int64_t wanted = (a_.need.total_bytes / kMiB / 256 + 2) * 256;
    const bool enough = wanted * kMiB <= *t.memory.bytes && within_buffer();
    Option o{.change = "the GPU's limit raised to " +
                       format_bytes(static_cast<double>(wanted * kMiB)) + " until the next restart",
             .fits = enough,
             .command = "sudo sysctl iogpu.wired_limit_mb=" + std::to_string(wanted),
             .total_bytes = a_.need.total_bytes,
             .decode = a_.speed.decode};
    if (!enough) {
      o.change = "the GPU's limit raised: not enough, because " +
                 format_bytes(static_cast<double>(wanted * kMiB)) +
                 " would not leave the system what it needs";
      o.command.clear(), o.decode.reset();
    }
    list_.push_back(std::move(o));
  }

  [[nodiscard]] bool within_buffer() const {
    const auto& limit = a_.question.target.largest_buffer.bytes;
    return !limit || a_.need.largest_buffer_bytes <= *limit;
  }

  void offload() {
    const Target& t = a_.question.target;
    if (a_.question.load.training != Load::Training::none) return;
    Option o;
    o.total_bytes = a_.need.total_bytes;
    if (is_unified()) {
      o.fits = t.memory.bytes && a_.need.total_bytes <= *t.memory.bytes;
      o.change =
          "some layers on the CPU: avoids the GPU's limit but frees no memory, because CPU and GPU "
          "share it";
    } else if (t.kind == Target::Kind::cuda && t.working_set.bytes) {
      offload_to_host(o, a_.need.total_bytes - *t.working_set.bytes);
    } else {
      return;
    }
    list_.push_back(std::move(o));
  }

  /// `over` bytes do not fit the card.
  void offload_to_host(Option& o, std::int64_t over) const {
    const auto& host = a_.question.target.host_memory_bytes;
    const std::string amount = format_bytes(static_cast<double>(std::max<std::int64_t>(0, over)));
    o.fits = over > 0 && host && over <= *host;
    o.depends = over > 0 && !host;
    o.change = "some layers on the CPU: " + amount + " of it in the machine's own memory, ";
    if (!host)
      o.change += "which must have that much free";
    else if (o.fits)
      o.change += "which has " + format_bytes(static_cast<double>(*host)) + " beside the system's";
    else
      o.change +=
          "which has only " + format_bytes(static_cast<double>(*host)) + " beside the system's";
    if (o.fits || o.depends) o.change += "; each token then reads that much at the CPU's speed";
  }

  /// The kind of weights for another model: the same where all its weights can have it, else the
  /// runtime's own of 4 or 8 bits (MXFP4 of experts alone leaves other models large).
  [[nodiscard]] std::optional<Format> format_for(const model::ModelShape& other) const {
    const Case& now = a_.question;
    const Format& f = now.format;
    if (!f.is_quantised()) return f;
    const auto same = parse_quant(f.name, now.runtime.name, other);
    const bool partly =
        !same || same->experts_only || (f.kind == Format::Kind::gguf && f.name == "mxfp4");
    if (!partly || (same && other.quant == f.name)) return *same;
    const auto own = parse_quant(f.bits <= 4 ? "4bit" : "8bit", now.runtime.name, other);
    return own ? std::optional(*own) : std::nullopt;
  }

  /// The largest known models that fit as this one was to run: of its family, and of all.
  void smaller_model() {
    const Case& now = a_.question;
    const std::string family =
        now.shape.name.substr(0, now.shape.name.find_first_of("-0123456789"));
    const model::KnownModel *relative = nullptr, *any = nullptr;
    for (const auto& m : model::known_models()) {
      if (m.parameters >= a_.parameters || (m.shape.quant && !now.shape.quant)) continue;
      const auto format = format_for(m.shape);
      if (!format) continue;
      Case c = now;
      c.shape = m.shape, c.format = *format;
      if (!fits(c)) continue;
      if (any == nullptr || m.parameters > any->parameters) any = &m;
      const bool related = m.shape.name.starts_with(family);
      if (related && (relative == nullptr || m.parameters > relative->parameters)) relative = &m;
    }
    if (any == relative) any = nullptr;
    for (const model::KnownModel* m : {relative, any}) {
      if (m == nullptr) continue;
      Case c = now;
      c.shape = m->shape, c.format = *format_for(m->shape);
      add(c, "a smaller model: " + m->shape.name, m->shape.name);
    }
  }

  const Answer& a_;
  const Request& r_;
  std::vector<Option> list_;
};

}  // namespace

std::optional<std::int64_t> largest_context(const Case& question) {
  Case c = question;
  return largest(c.shape.max_context.value_or(kMostContext), [&](std::int64_t n) {
    c.load.context = n;
    return fits(c);
  });
}

std::optional<std::int64_t> largest_batch(const Case& question) {
  Case c = question;
  return largest(kMostBatch, [&](std::int64_t n) {
    c.load.batch = n;
    return fits(c);
  });
}

std::vector<Option> options_for(const Answer& answer, const Request& request) {
  return Options(answer, request).all();
}

}  // namespace mlbench::fit
