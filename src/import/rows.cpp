#include "import/rows.hpp"

#include "core/units.hpp"

#include <algorithm>

namespace mlbench::importing {
namespace {

std::string whole(double value) {
  return std::to_string(static_cast<long long>(value));
}

}  // namespace

const Figure* Row::find(Quantity quantity, const std::string& role) const {
  const auto it = std::find_if(figures.begin(), figures.end(), [&](const Figure& f) {
    return f.quantity == quantity && f.role == role;
  });
  return it == figures.end() ? nullptr : &*it;
}

bool Row::is_result() const {
  return std::any_of(figures.begin(), figures.end(), [](const Figure& f) {
    return f.quantity != Quantity::memory ||
           (f.role != "total" && f.role != "free" && f.role != "used");
  });
}

std::optional<double> Row::number(const std::string& name) const {
  const auto it = shape.find(name);
  return it == shape.end() ? std::nullopt : std::optional(it->second);
}

std::optional<double> Row::implied_flop() const {
  const auto* time = find(Quantity::time);
  const auto* rate = find(Quantity::flop_rate);
  if (time == nullptr || rate == nullptr || !(time->value > 0) || !(rate->value > 0))
    return std::nullopt;
  return time->value * rate->value;
}

std::optional<double> Row::known_flop() const {
  if (operation != "gemm" && operation != "linear") return std::nullopt;
  const double batch = number("batch").value_or(1);
  if (const auto n = number("n"); n && !number("m")) return batch * 2 * *n * *n * *n;
  const auto m = number("m"), n = number("n"), k = number("k");
  if (!m || !n || !k) return std::nullopt;
  return batch * 2 * *m * *n * *k;
}

std::string Row::label() const {
  std::string text = operation == "gemm" ? "GEMM" : operation;
  if (!model.empty()) text += " " + model;
  if (!dtype.empty()) text += " " + dtype;
  if (number("m") && number("k")) {
    text += " " + whole(*number("m")) + "x" + whole(*number("n")) + "x" + whole(*number("k"));
  } else if (const auto n = number("n")) {
    text += " " + whole(*n);
  }
  if (const auto seq = number("seq")) text += " seq " + whole(*seq);
  if (const auto bytes = number("bytes")) text += " " + format_bytes(*bytes);
  if (const auto prompt = number("prompt"); prompt && *prompt > 0) text += " pp" + whole(*prompt);
  if (const auto gen = number("generated"); gen && *gen > 0) text += " tg" + whole(*gen);
  if (const auto depth = number("depth"); depth && *depth > 0) text += " depth " + whole(*depth);
  return text;
}

}  // namespace mlbench::importing
