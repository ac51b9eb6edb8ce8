// Against the catalogue of chips and cards.
#include "core/text.hpp"
#include "fit/catalogue.hpp"
#include "import/rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace mlbench::importing {
namespace {

constexpr double kFlopTolerance = 0.15;       // clocks are not published, and sources differ
constexpr double kBandwidthTolerance = 0.03;  // 400 and 409.6 are the same number

bool is_near(double value, double reference, double tolerance) {
  return std::abs(value / reference - 1) <= tolerance;
}

bool is_published(const Figure& f) {
  return (f.role == "theoretical" || f.role == "published") && std::isfinite(f.value) &&
         f.value > 0;
}

/// Whether a chip's float16 peak may be stated as `value`: with matrix units, some count the cores
/// alone, once or twice.
bool is_float16_peak(double value, const fit::Chip& chip) {
  const double cores = chip.float32_flop_per_s();
  if (!chip.has_neural_accelerators()) return is_near(value, cores, kFlopTolerance);
  const std::array<double, 3> ways = {1, 2, 4};
  return std::any_of(ways.begin(), ways.end(),
                     [&](double way) { return is_near(value, way * cores, kFlopTolerance); });
}

bool agrees(const Figure& f, const std::string& dtype, const fit::Chip& chip) {
  if (f.quantity == Quantity::byte_rate)
    return is_near(f.value, chip.bandwidth_bytes_per_s, kBandwidthTolerance);
  if (dtype == "float32") return is_near(f.value, chip.float32_flop_per_s(), kFlopTolerance);
  return is_float16_peak(f.value, chip);
}

bool agrees(const Figure& f, const std::string& dtype, const fit::GpuCard& card) {
  if (f.quantity == Quantity::byte_rate)
    return is_near(f.value, card.bandwidth_bytes_per_s, kBandwidthTolerance);
  // Peaks of float32 are not in the list; they are at most those of float16.
  if (dtype == "float32") return f.value <= card.flop_per_s * (1 + kFlopTolerance);
  return is_near(f.value, card.flop_per_s, kFlopTolerance);
}

struct Stated {
  const Row* row;
  const Figure* figure;
};

std::vector<Stated> stated_peaks(const File& file) {
  std::vector<Stated> list;
  for (const Row& row : file.rows) {
    for (const Figure& f : row.figures) {
      if (is_published(f) &&
          (f.quantity == Quantity::flop_rate || f.quantity == Quantity::byte_rate))
        list.push_back({&row, &f});
    }
  }
  return list;
}

const fit::GpuCard* find_card(const std::string& name) {
  const auto& cards = fit::gpu_cards();
  const auto it =
      std::find_if(cards.begin(), cards.end(), [&](const auto& c) { return c.name == name; });
  return it == cards.end() ? nullptr : &*it;
}

std::string amount(const Figure& f, double value) {
  return f.quantity == Quantity::byte_rate ? digits(value / 1e9) + " GB/s"
                                           : digits(value / 1e12) + " TFLOP/s";
}

void check_against_card(const File& file, const Stated& s, const fit::GpuCard& card, Doubts& out) {
  if (agrees(*s.figure, s.row->dtype, card)) return;
  if (s.figure->quantity == Quantity::flop_rate &&
      is_near(s.figure->value, 2 * card.flop_per_s, 0.03)) {
    out.push_back(
        doubt_about(file, *s.row, *s.figure, "sparse_peak",
                    "twice the " + amount(*s.figure, card.flop_per_s) + " of " + card.name +
                        ": the peak for sparse matrices, which no dense product can reach"));
    return;
  }
  const double ours =
      s.figure->quantity == Quantity::byte_rate ? card.bandwidth_bytes_per_s : card.flop_per_s;
  out.push_back(doubt_about(file, *s.row, *s.figure, "published_mismatch",
                            "the catalogue has " + amount(*s.figure, ours) + " for " + card.name +
                                ", so shares of this peak are wrong"));
}

void check_against_chip(const File& file, const Stated& s, Doubts& out) {
  auto variants = fit::find_chips(s.row->machine.chip, s.row->machine.gpu_cores);
  if (variants.empty()) variants = fit::find_chips(s.row->machine.chip, std::nullopt);
  if (variants.empty()) return;
  const bool any = std::any_of(variants.begin(), variants.end(), [&](const auto* chip) {
    return agrees(*s.figure, s.row->dtype, *chip);
  });
  if (any) return;
  const auto& chip = *variants.back();
  const double ours = s.figure->quantity == Quantity::byte_rate ? chip.bandwidth_bytes_per_s
                      : s.row->dtype == "float32"               ? chip.float32_flop_per_s()
                                                                : chip.float16_flop_per_s();
  out.push_back(doubt_about(file, *s.row, *s.figure, "published_mismatch",
                            "the catalogue has " + amount(*s.figure, ours) + " for " + chip.name +
                                " with " + std::to_string(chip.gpu_cores) +
                                " GPU cores, so shares of this peak are wrong"));
}

/// Peaks of a file that names no machine: is there any machine that has them together?
void check_together(const File& file, const std::vector<Stated>& stated, Doubts& out) {
  if (stated.size() < 2) return;
  const auto fits = [&](const auto& machine) {
    return std::all_of(stated.begin(), stated.end(),
                       [&](const Stated& s) { return agrees(*s.figure, s.row->dtype, machine); });
  };
  const auto& chips = fit::chips();
  const auto& cards = fit::gpu_cards();
  if (std::any_of(chips.begin(), chips.end(), fits) ||
      std::any_of(cards.begin(), cards.end(), fits))
    return;
  std::vector<std::size_t> fields;
  std::vector<std::string> values;
  for (const Stated& s : stated) {
    fields.push_back(s.figure->field);
    values.push_back(amount(*s.figure, s.figure->value));
  }
  auto doubt = doubt_about_all(file, fields, "published_mismatch",
                               "no machine of the catalogue has " + join(values, ", ") +
                                   " together, so shares of these peaks are of a guess");
  for (const Stated& s : stated) doubt.rows.push_back(s.row);
  out.push_back(std::move(doubt));
}

}  // namespace

void find_unknown_machine(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    const auto& m = file.machine;
    if (!m.gpu_cores || !m.cores_field || !fit::find_chips(m.chip, m.gpu_cores).empty()) continue;
    std::vector<std::string> known;
    for (const auto* chip : fit::find_chips(m.chip, std::nullopt))
      known.push_back(std::to_string(chip->gpu_cores));
    if (known.empty()) continue;
    out.push_back(doubt_about(file, *m.cores_field, "unknown_machine",
                              m.chip + " is made with " + join(known, " or ") +
                                  " GPU cores; the number was not read from the system"));
  }
}

void find_published_mismatch(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    const auto stated = stated_peaks(file);
    std::vector<Stated> of_no_machine;
    for (const Stated& s : stated) {
      if (!s.row->machine.is_known()) {
        of_no_machine.push_back(s);
      } else if (const auto* card = find_card(s.row->machine.chip)) {
        check_against_card(file, s, *card, out);
      } else {
        check_against_chip(file, s, out);
      }
    }
    check_together(file, of_no_machine, out);
  }
}

void find_unstated_peak(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    const auto stated = stated_peaks(file);
    for (const Row& row : file.rows) {
      const Figure* rate = positive(row, Quantity::flop_rate);
      const Figure* share = positive(row, Quantity::share);
      if (rate == nullptr || share == nullptr) continue;
      const double implied = rate->value / share->value;
      const double tolerance = 0.005 + rounding_of(*file.values.at(rate->field).json) +
                               rounding_of(*file.values.at(share->field).json);
      bool found = false, any = false;
      for (const Stated& s : stated) {
        if (s.figure->quantity != Quantity::flop_rate) continue;
        any = true;
        found = found || is_near(implied, s.figure->value, tolerance);
      }
      if (!any) {
        for (const auto* chip : fit::find_chips(row.machine.chip, std::nullopt)) {
          any = true;
          found = found || (row.dtype == "float32"
                                ? is_near(implied, chip->float32_flop_per_s(), kFlopTolerance)
                                : is_float16_peak(implied, *chip));
        }
      }
      if (!any || found) continue;
      out.push_back(doubt_about(file, row, *share, "unstated_peak",
                                "it is a share of " + amount(*rate, implied) +
                                    ", a peak that neither the file states nor the catalogue has"));
    }
  }
}

}  // namespace mlbench::importing
