// Amounts of memory.
#include "import/rules.hpp"
#include "import/vocabulary.hpp"

#include <array>
#include <cmath>

namespace mlbench::importing {
namespace {

constexpr double kGiB = 1073741824.0;
constexpr double kMiB = 1048576.0;

bool is_near(double value, double reference, double tolerance) {
  return std::abs(value / reference - 1) <= tolerance;
}

/// What a binary unit is more than the decimal unit of a field's label: 1.0737 for "..._gb". 0 for
/// labels that are no decimal unit.
double binary_excess(const Figure& f) {
  if (lower(f.name).ends_with("gb")) return kGiB / 1e9;
  if (lower(f.name).ends_with("mb")) return kMiB / 1e6;
  return 0;
}

std::string binary_unit(const Figure& f) {
  return lower(f.name).ends_with("gb") ? "GiB (1024^3)" : "MiB (1024^2)";
}

void check_beside_bytes(const File& file, const Row& row, const Figure& f, Doubts& out) {
  for (const Figure& exact : row.figures) {
    if (exact.quantity != Quantity::memory || exact.role != f.role) continue;
    if (!lower(exact.name).ends_with("bytes") || exact.value <= 0) continue;
    if (!is_near(f.value * binary_excess(f), exact.value, 1e-4)) continue;
    out.push_back(doubt_about(file, row, f, "gib_as_gb",
                              "it is " + binary_unit(f) + ", not what its label says: " +
                                  file.values.at(exact.field).field + " has " +
                                  dump_json(*file.values.at(exact.field).json) + " bytes"));
  }
}

/// Bytes moved, from rate and time, are a small multiple of the size: which unit makes it whole?
void check_traffic(const File& file, const Row& row, const Figure& f, Doubts& out) {
  const Figure* time = positive(row, Quantity::time);
  const Figure* rate = positive(row, Quantity::byte_rate);
  if (time == nullptr || rate == nullptr || f.role != "size") return;
  const double passes = time->value * rate->value / f.value;
  for (const double whole : {1.0, 2.0, 3.0}) {
    if (is_near(passes, whole, 0.01)) return;
    if (!is_near(passes, whole * binary_excess(f), 0.005)) continue;
    out.push_back(doubt_about(file, row, f, "gib_as_gb",
                              "rate times time moved " + digits(passes / binary_excess(f)) +
                                  " times this size if it is " + binary_unit(f) +
                                  ", and no whole number of times if it is what its label says"));
    return;
  }
}

void check_weights(const File& file, const Row& row, const Figure& f, Doubts& out) {
  const auto bits = bits_per_weight(row.dtype);
  const auto weights = weights_of(row);
  if (f.role != "model" || !bits || *bits < 16 || !weights || weights->parameters <= 0) return;
  const double bytes = weights->parameters * *bits / 8;
  if (is_near(f.value, bytes, 0.02) || !is_near(f.value * binary_excess(f), bytes, 0.01)) return;
  out.push_back(doubt_about(file, row, f, "gib_as_gb",
                            digits(weights->parameters / 1e9) + " billion weights of " +
                                digits(*bits) + " bits are " + digits(bytes / 1e9) + " GB: it is " +
                                binary_unit(f)));
}

/// Scores of attention for a whole batch: heads x sequence^2 elements.
std::optional<double> score_bytes(const Row& row) {
  const auto heads = row.number("heads"), seq = row.number("seq");
  const auto bits = bits_per_weight(row.dtype);
  if (!heads || !seq || !bits) return std::nullopt;
  return row.number("batch_size").value_or(1) * *heads * *seq * *seq * *bits / 8;
}

/// "2 bytes for each of 7.24 billion weights and 12 for each of 0.671 billion trained": how a size
/// comes out of a formula; empty when it does not.
std::string formula_of(const Row& row, double bytes) {
  if (const auto scores = score_bytes(row); scores && is_near(bytes, *scores, 1e-6))
    return "heads x sequence^2 elements";
  const auto weights = weights_of(row);
  if (!weights || weights->parameters <= 0) return {};
  const double trained = row.number("trainable_params").value_or(0);
  for (const double each : {0.5, 1.0, 2.0, 4.0}) {
    for (int extra = 0; extra <= 16; ++extra) {
      if (extra > 0 && trained <= 0) break;
      if (!is_near(bytes, each * weights->parameters + extra * trained, 1e-6)) continue;
      std::string text = digits(each) + " bytes for each of " + digits(weights->parameters / 1e9) +
                         " billion weights";
      if (extra > 0) {
        text += " and " + std::to_string(extra) + " for each of " + digits(trained / 1e6) +
                " million trained ones";
      }
      return text;
    }
  }
  return {};
}

}  // namespace

void find_gib_as_gb(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      for (const Figure& f : row.figures) {
        if (f.quantity != Quantity::memory || !(f.value > 0) || binary_excess(f) == 0) continue;
        check_beside_bytes(file, row, f, out);
        check_traffic(file, row, f, out);
        check_weights(file, row, f, out);
      }
    }
  }
}

void find_memory_formula(const Batch& batch, Doubts& out) {
  constexpr int kDigits = 7;  // fewer may agree by chance
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      for (const Figure& f : row.figures) {
        const bool peak = f.role.find("peak") != std::string::npos || f.role.empty();
        if (f.quantity != Quantity::memory || !peak || !(f.value > 0)) continue;
        const bool is_scores = score_bytes(row).has_value();
        if (!is_scores && digits_of(*file.values.at(f.field).json) < kDigits) continue;
        for (const double unit : {1.0, binary_excess(f)}) {
          const auto formula = unit == 0 ? std::string() : formula_of(row, f.value * unit);
          if (formula.empty()) continue;
          out.push_back(doubt_about(file, row, f, "memory_formula",
                                    "to the last digit it is " + formula +
                                        (unit == 1 ? "" : ", in " + binary_unit(f)) +
                                        ": computed or a part of it, not a measured peak"));
          break;
        }
      }
    }
  }
}

}  // namespace mlbench::importing
