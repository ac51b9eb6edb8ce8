#include "core/text.hpp"
#include "core/units.hpp"
#include "fit/catalogue.hpp"
#include "import/lenient_json.hpp"
#include "import/rules.hpp"
#include "import/vocabulary.hpp"
#include "model/known_models.hpp"

#include <algorithm>
#include <cmath>

namespace mlbench::importing {
namespace {

std::string text_of(const Json& value) {
  if (value.is_string()) {
    auto text = value.get<std::string>();
    if (text.size() > 80) text = text.substr(0, 77) + "...";
    return is_not_finite(value) ? text : "\"" + text + "\"";
  }
  return dump_json(value);
}

/// "mistralai/Mistral-7B-v0.1" and "mlx-community/Mistral-7B-Instruct-v0.2-4bit" to what a
/// catalogue of models may know: the beginning up to the size.
std::string model_stem(const std::string& name) {
  std::string stem =
      name.substr(name.find_last_of('/') == std::string::npos ? 0 : name.find_last_of('/') + 1);
  const std::string word = lower(stem);
  for (std::size_t i = 1; i < word.size(); ++i) {
    const bool is_size =
        word[i] == 'b' && std::isdigit(static_cast<unsigned char>(word[i - 1])) != 0;
    const bool ends =
        i + 1 == word.size() || std::isalnum(static_cast<unsigned char>(word[i + 1])) == 0;
    if (is_size && ends) return stem.substr(0, i + 1);
  }
  return stem;
}

struct Parameters {
  double all = 0, read_per_token = 0;
};

std::optional<Parameters> parameters_of(const Row& row) {
  std::optional<Parameters> found;
  for (const auto& name : {row.model, model_stem(row.model)}) {
    if (name.empty() || name.size() > 200) continue;
    if (const auto known = model::find_model(name)) {
      found = {.all = static_cast<double>(known->parameters),
               .read_per_token = static_cast<double>(known->parameters_read_per_token)};
      break;
    }
  }
  if (const auto stated = row.number("total_params"); stated && *stated > 1e6) {
    if (!found) found = {.all = *stated, .read_per_token = *stated};
    found->all = *stated;
  }
  return found;
}

}  // namespace

Doubt doubt_about(const File& file, std::size_t field, const std::string& kind,
                  const std::string& reason) {
  const Value& value = file.values.at(field);
  return {
      .kind = kind,
      .file = file.path,
      .fields = {value.field},
      .value = *value.json,
      .sentence = file.path + ": " + value.field + " is " + text_of(*value.json) + ": " + reason,
      .rows = {}};
}

Doubt doubt_about(const File& file, const Row& row, const Figure& figure, const std::string& kind,
                  const std::string& reason) {
  auto doubt = doubt_about(file, figure.field, kind, reason);
  doubt.rows = {&row};
  return doubt;
}

Doubt doubt_about_all(const File& file, const std::vector<std::size_t>& fields,
                      const std::string& kind, const std::string& reason) {
  auto doubt = doubt_about(file, fields.front(), kind, reason);
  for (std::size_t i = 1; i < fields.size(); ++i)
    doubt.fields.push_back(file.values.at(fields[i]).field);
  const auto more = fields.size() - 1;
  if (more == 1) doubt.sentence += " (so is 1 more field)";
  if (more > 1) doubt.sentence += " (so are " + std::to_string(more) + " more fields)";
  return doubt;
}

const Figure* positive(const Row& row, Quantity quantity, const std::string& role) {
  const Figure* figure = row.find(quantity, role);
  return figure != nullptr && std::isfinite(figure->value) && figure->value > 0 ? figure : nullptr;
}

std::optional<Peak> peak_of(const MachineFacts& machine) {
  if (!machine.is_known()) return std::nullopt;
  auto variants = fit::find_chips(machine.chip, machine.gpu_cores);
  if (variants.empty()) variants = fit::find_chips(machine.chip, std::nullopt);
  Peak peak;
  for (const auto* chip : variants) {
    peak.name = chip->name + " with " + std::to_string(chip->gpu_cores) + " GPU cores";
    peak.float32 = std::max(peak.float32.value_or(0), chip->float32_flop_per_s());
    peak.float16 = std::max(peak.float16.value_or(0), chip->float16_flop_per_s());
    peak.bandwidth = std::max(peak.bandwidth.value_or(0), chip->bandwidth_bytes_per_s);
  }
  if (!variants.empty()) return peak;
  for (const auto& card : fit::gpu_cards()) {
    if (card.name != machine.chip) continue;
    peak.name = card.name;
    // Tensor cores take float32 as TF32 at up to half of this; there is no lower bound to rely on.
    peak.float32 = peak.float16 = card.flop_per_s;
    peak.bandwidth = card.bandwidth_bytes_per_s;
    return peak;
  }
  return std::nullopt;
}

std::optional<double> flop_peak(const Peak& peak, const std::string& dtype) {
  return dtype == "float32" || dtype == "float64" ? peak.float32 : peak.float16;
}

std::optional<Weights> weights_of(const Row& row) {
  const auto parameters = parameters_of(row);
  const auto bits = bits_per_weight(row.dtype);
  if (const auto stated = row.number("weights_bytes"); stated && *stated > 0) {
    return Weights{.bytes = *stated,
                   .parameters = parameters ? parameters->all : 0,
                   .how = digits(*stated / 1e9) + " GB of weights"};
  }
  if (!parameters) return std::nullopt;
  const auto from_name = bits ? bits : bits_per_weight(row.model);
  const double used = from_name.value_or(4);
  return Weights{.bytes = parameters->read_per_token * used / 8,
                 .parameters = parameters->all,
                 .how = digits(parameters->read_per_token / 1e9) + " billion weights of " +
                        digits(used) + " bits" +
                        (from_name ? "" : " (at the least: the precision is not stated)")};
}

double rounding_of(const Json& value) {
  const auto number = number_in(value);
  if (!number || *number == 0) return 0;
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  const auto dot = text.find('.');
  const auto exponent = text.find_first_of("eE");
  if (exponent != std::string::npos) return 0;
  const auto decimals = dot == std::string::npos ? 0 : text.size() - dot - 1;
  return 0.5 * std::pow(10.0, -static_cast<double>(decimals)) / std::abs(*number);
}

int digits_of(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  const auto first = text.find_first_of("123456789");
  if (first == std::string::npos) return 0;
  return static_cast<int>(
      std::count_if(text.begin() + static_cast<std::ptrdiff_t>(first), text.end(),
                    [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }));
}

std::string digits(double value) {
  return format_significant(value, 3);
}

}  // namespace mlbench::importing
