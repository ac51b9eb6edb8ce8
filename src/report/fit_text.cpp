#include "report/fit_text.hpp"

#include "core/units.hpp"

#include <fmt/format.h>

#include <cmath>

namespace mlbench::report {
namespace {

using fit::Answer;
using fit::LimitKind;
using fit::Range;

double d(std::int64_t n) {
  return static_cast<double>(n);
}

std::string gib(std::int64_t bytes) {
  return format_bytes(d(bytes));
}

/// "8.1-10.5", in digits that the range deserves.
std::string span(const Range& r) {
  const int digits = r.low < 20 ? 1 : 0;
  const auto number = [&](double x) { return fmt::format("{:.{}f}", x, digits); };
  const auto low = number(r.low), high = number(r.high);
  return low == high ? low : low + "-" + high;
}

std::string headline(const Answer& a) {
  const auto& q = a.question;
  std::string text =
      fmt::format("{} · {} · {} tokens of context · {} sequence{}", q.shape.name, q.format.name,
                  q.load.context, q.load.batch, q.load.batch == 1 ? "" : "s");
  if (q.load.training == fit::Load::Training::full) text += " · full training (AdamW)";
  if (q.load.training == fit::Load::Training::lora)
    text += fmt::format(" · LoRA training, rank {} (AdamW)", q.load.lora_rank);
  return text + "\n" + q.target.name + " · " + q.runtime.name +
         (q.runtime.version.empty() ? "" : "@" + q.runtime.version) + "\n\n";
}

std::string verdict(const Answer& a) {
  if (!a.tightest)
    return fmt::format("Needs {}; no limit of this machine is known.\n", gib(a.need.total_bytes));
  const auto kind = *a.tightest;
  const auto& limit = fit::limit_of(a.question.target, kind);
  const double used =
      100 * d(fit::need_for(a.need, kind)) / d(std::max<std::int64_t>(1, *limit.bytes));
  return fmt::format("{} {} of the {} of {} ({:.0f} %; {}).\n",
                     a.fits ? "FITS: it needs" : "DOES NOT FIT: it needs",
                     gib(fit::need_for(a.need, kind)), gib(*limit.bytes),
                     fit::in_words(kind, a.question.target), used, limit.source);
}

std::string speed(const Answer& a) {
  std::string text;
  if (a.speed.decode) {
    text += fmt::format("{} {} tok/s at this context",
                        a.fits ? "Decode about" : "If it did: decode about", span(*a.speed.decode));
    text += fmt::format("; nothing can pass {} tok/s, which is bandwidth / bytes read.\n",
                        format_significant(*a.speed.decode_roof, 3));
  }
  if (a.speed.prefill) {
    text += fmt::format("Prefill about {} tok/s for a prompt of {} tokens.\n",
                        span(*a.speed.prefill), a.question.load.context);
  }
  return text;
}

std::string size_row(const std::string& what, std::int64_t bytes) {
  return fmt::format("  {:<34}{:>9.3f}{:>9.3f}\n", what, d(bytes) / 1073741824.0, d(bytes) / 1e9);
}

std::string memory_table(const Answer& a) {
  const auto& n = a.need;
  std::string text = fmt::format("\n{:<36}{:>9}{:>9}\n", "NEEDS", "GiB", "GB");
  text +=
      size_row(fmt::format("weights, {:.2f} bits each", d(n.weights_bytes) * 8 / d(a.parameters)),
               n.weights_bytes);
  if (n.adapter_bytes > 0) text += size_row("adapters", n.adapter_bytes);
  if (n.gradient_bytes > 0) text += size_row("gradients", n.gradient_bytes);
  if (n.optimizer_bytes > 0) text += size_row("optimizer states", n.optimizer_bytes);
  if (n.kv_bytes > 0) text += size_row("KV cache", n.kv_bytes);
  text += size_row("activations", n.activation_bytes);
  text += size_row("the framework's own", n.overhead_bytes);
  text += size_row("together", n.total_bytes);
  return text + size_row("largest buffer (" + n.largest_buffer + ")", n.largest_buffer_bytes);
}

std::string limits_table(const Answer& a) {
  std::string text = fmt::format("\n{:<36}{:>9}{:>9}{:>9}\n", "LIMITS", "GiB", "GB", "used");
  const auto row = [&](const char* what, LimitKind kind) {
    const auto& limit = fit::limit_of(a.question.target, kind).bytes;
    if (!limit) return;
    text += fmt::format(
        "  {:<34}{:>9.3f}{:>9.3f}{:>7.0f} %\n", what, d(*limit) / 1073741824.0, d(*limit) / 1e9,
        100 * d(fit::need_for(a.need, kind)) / d(std::max<std::int64_t>(1, *limit)));
  };
  row("one buffer", LimitKind::largest_buffer);
  row(a.question.target.kind == fit::Target::Kind::cuda ? "the card's memory" : "GPU working set",
      LimitKind::working_set);
  row("memory less the system's", LimitKind::memory);
  if (a.largest_context)
    text += fmt::format("  Largest context that fits: {} tokens", *a.largest_context);
  if (a.largest_context && a.largest_batch)
    text += fmt::format("; largest batch at this context: {}", *a.largest_batch);
  if (a.largest_context) text += ".\n";
  return text;
}

std::string options(const Answer& a) {
  if (a.options.empty())
    return a.fits ? "" : "\nNothing that mlbench can compute would make it fit here.\n";
  std::string text = a.fits ? "\nFASTER OR SMALLER\n" : "\nWHAT WOULD HELP\n";
  for (const auto& o : a.options) {
    text += fmt::format("  {:<5} {}", o.fits ? "fits" : o.depends ? "maybe" : "no", o.change);
    if (o.total_bytes && *o.total_bytes != a.need.total_bytes) text += ": " + gib(*o.total_bytes);
    if (o.fits && o.decode) text += ", decode about " + span(*o.decode) + " tok/s";
    text += "\n";
    if (o.fits && !o.command.empty()) text += "        " + o.command + "\n";
  }
  return text;
}

std::string sources(const Answer& a) {
  std::string text;
  for (const auto& note : a.notes) text += "  " + note + "\n";
  if (a.speed.decode) {
    text += fmt::format("  Bandwidth {} ({}).\n",
                        format_bandwidth(*a.question.target.bandwidth_bytes_per_s),
                        a.question.target.bandwidth_source);
    text += "  Speed constants: " +
            (fit::are_own(a.question.constants) ? a.question.constants.runtime + " " +
                                                      a.question.constants.version + ", fitted on "
                                                : std::string()) +
            a.question.constants.fitted_on + ".\n";
  }
  return text.empty() ? "" : "\nNOTES\n" + text;
}

}  // namespace

std::string fit_text(const Answer& a) {
  return headline(a) + verdict(a) + speed(a) + memory_table(a) + limits_table(a) + options(a) +
         sources(a);
}

}  // namespace mlbench::report
