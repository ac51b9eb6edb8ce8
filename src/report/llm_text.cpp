#include "core/text.hpp"
#include "core/units.hpp"
#include "report/llm.hpp"
#include "report/table.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace mlbench::report {
namespace {

std::string percent(const std::optional<double>& share) {
  return share ? format_significant(100 * *share, 2) + " %" : "-";
}

std::string memory(const LlmEntry& e) {
  std::string text = e.process_peak_bytes
                         ? format_bytes(static_cast<double>(*e.process_peak_bytes)) + " process"
                         : "";
  if (e.framework_peak_bytes) {
    if (!text.empty()) text += ", ";
    text += format_bytes(static_cast<double>(*e.framework_peak_bytes)) + " framework";
  }
  return text;
}

void add_entry(Table& table, const LlmSubject& s, const LlmEntry& e, bool decodes, bool name_kind) {
  const std::string what = (decodes ? "decode at " : "prompt ") + std::to_string(e.tokens) +
                           (e.batch > 1 ? " x" + std::to_string(e.batch) : "") +
                           (name_kind ? " " + e.quant : "");
  if (!e.time) {
    table.add({what, s.title, std::string(store::name_of(e.status)), "", "", "", "", e.reason});
    return;
  }
  const std::string spread =
      e.token_times ? format_time(e.token_times->p50_s) + " / " + format_time(e.token_times->p99_s)
                    : "";
  table.add({what, s.title, format_significant(*e.tokens_per_s, 3) + " tok/s",
             format_time(e.time->median_s), spread,
             decodes ? format_bandwidth(*e.bytes_per_s) : format_flop_rate(*e.flop_per_s),
             percent(e.ceiling_fraction), memory(e)});
}

/// Of the first decode case that has a result.
std::string bytes_a_token(const LlmSubject& s) {
  for (const LlmEntry& e : s.decode) {
    if (e.bytes_per_token)
      return ", " + format_bytes(*e.bytes_per_token) + " read a token at " +
             std::to_string(e.tokens);
  }
  return "";
}

/// Nothing for runs that did not end or do not say what they were to take.
std::string time_line(const LlmReport& r) {
  constexpr double kNear = 1.25;
  if (!r.duration_s || !r.budget_s) return "";
  std::string text = "TIME     " + format_duration(*r.duration_s);
  if (*r.duration_s > kNear * *r.budget_s && r.min_rounds)
    text += ", longer than the budget of " + format_duration(*r.budget_s) + ": " +
            std::to_string(*r.min_rounds) +
            " rounds are the least, and what comes before them is not in it";
  return text + "\n";
}

/// What quantising does to the logits, once for each kind of weights.
std::string output_errors(const LlmSubject& s) {
  std::string text;
  std::set<std::string> told;
  for (const auto* list : {&s.decode, &s.prefill}) {
    for (const LlmEntry& e : *list) {
      if (!e.check || !e.check->output_error || !told.insert(e.quant).second) continue;
      text += "  " + e.quant + " weights change the logits by " + percent(e.check->output_error) +
              " (rms, against dense ones";
      text += (e.check->output_error_of == e.case_id ? "" : ", of " + e.check->output_error_of);
      text += ")\n";
    }
  }
  return text;
}

}  // namespace

std::string llm_text(const LlmReport& r) {
  std::string text = r.model + " · " + r.dtype + (r.quant.empty() ? "" : ", weights " + r.quant) +
                     " · " + format_significant(static_cast<double>(r.parameters) / 1e6, 4) +
                     " million parameters\n\n";
  Table table;
  table.add(
      {"", "", "speed", "TTFT / TPOT", "ITL p50 / p99", "rate", "of the roof", "peak memory"});
  for (const bool decodes : {false, true}) {
    std::size_t most = 0;
    for (const auto& s : r.subjects) most = std::max(most, (decodes ? s.decode : s.prefill).size());
    for (std::size_t i = 0; i < most; ++i) {
      for (const auto& s : r.subjects) {
        const auto& entries = decodes ? s.decode : s.prefill;
        if (i < entries.size())
          add_entry(table, s, entries[i], decodes, r.quant.find(',') != std::string::npos);
      }
    }
  }
  text += table.text() + "\n";
  for (const auto& s : r.subjects) {
    if (!s.reason.empty()) text += s.title + ": " + s.reason + "\n";
    if (s.weight_bytes) {
      text += s.title + ": weights " + format_bytes(static_cast<double>(*s.weight_bytes)) + ", " +
              format_significant(s.bits_per_weight.value_or(0), 3) + " bits each" +
              bytes_a_token(s) + "; " + s.kernel + "\n";
    }
    for (const auto& note : s.notes) text += "  " + note + "\n";
    const auto& entries = s.decode.empty() ? s.prefill : s.decode;
    if (!entries.empty() && entries.front().check)
      text += "  checked: " + entries.front().check->method + "\n";
    text += output_errors(s);
  }
  text += "\n";
  for (const auto& v : r.verdicts) text += v + "\n";
  std::vector<std::string> checks;
  for (const Fact& c : r.checks) checks.push_back(c.name + ": " + c.answer);
  if (!checks.empty()) text += "CHECKS   " + join(checks, " · ") + "\n";
  if (!r.doubts.empty()) text += "\nDOUBTS\n";
  for (const auto& d : r.doubts) text += "  " + d + "\n";
  if (!r.doubts.empty()) text += "\n";
  text +=
      "TTFT: prompt to first token. TPOT: time per token after it. ITL: from token to token as the "
      "host receives them.\n";
  text += time_line(r);
  return text;
}

}  // namespace mlbench::report
