// Unlike things side by side, and figures that contradict each other.
#include "core/text.hpp"
#include "import/rules.hpp"
#include "import/vocabulary.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace mlbench::importing {
namespace {

struct Place {
  const File* file;
  const Row* row;
  const Figure* rate;
};

void check_precisions(const std::vector<Place>& places, Doubts& out) {
  std::set<double> bits;
  std::vector<std::string> sides;
  std::vector<std::size_t> fields;
  for (const Place& p : places) {
    const auto width = bits_per_weight(p.row->dtype);
    if (!width) return;
    bits.insert(*width);
    sides.push_back(p.row->framework + " with " + p.row->dtype);
    fields.push_back(p.rate->field);
  }
  if (bits.size() < 2) return;
  auto doubt = doubt_about_all(*places.front().file, fields, "unequal_setups",
                               "it stands beside rates of other weights (" + join(sides, ", ") +
                                   "): smaller weights are faster to read, so the rates do not "
                                   "compare frameworks");
  for (const Place& p : places) doubt.rows.push_back(p.row);
  out.push_back(std::move(doubt));
}

void check_trained(const std::vector<Place>& places, Doubts& out) {
  const Place& first = places.front();
  for (const Place& p : places) {
    const auto a = first.row->number("trainable_params"), b = p.row->number("trainable_params");
    if (p.file == first.file || !a || !b || *a == *b) continue;
    out.push_back(doubt_about(*p.file, *p.row, *p.rate, "unequal_setups",
                              "it is of training " + digits(*b / 1e6) + " million weights, and " +
                                  first.file->path + " of " + digits(*a / 1e6) +
                                  " million: the two speeds are of different work"));
    out.back().rows.push_back(first.row);
  }
}

/// Best rate of each dtype at each size, by framework.
using Rates = std::map<std::string, std::map<double, std::map<std::string, const Row*>>>;
Rates gemm_rates(const File& file) {
  Rates rates;
  for (const Row& row : file.rows) {
    const auto n = row.number("n");
    if (row.operation != "gemm" || !n || positive(row, Quantity::flop_rate) == nullptr) continue;
    rates[row.framework][*n][row.dtype] = &row;
  }
  return rates;
}

double rate_of(const Row& row) {
  return positive(row, Quantity::flop_rate)->value;
}

/// float16 over float32 at one size; nullopt where one is missing.
std::optional<double> gain(const std::map<std::string, const Row*>& by_dtype) {
  const auto half = by_dtype.find("float16"), full = by_dtype.find("float32");
  if (half == by_dtype.end() || full == by_dtype.end()) return std::nullopt;
  return rate_of(*half->second) / rate_of(*full->second);
}

}  // namespace

void find_unequal_setups(const Batch& batch, Doubts& out) {
  std::vector<Place> trained;
  for (const File& file : batch.files) {
    std::map<std::string, std::vector<Place>> siblings;  // by parent and field
    for (const Row& row : file.rows) {
      const Figure* rate = positive(row, Quantity::token_rate);
      if (rate == nullptr) continue;
      if (row.number("trainable_params")) trained.push_back({&file, &row, rate});
      siblings[row.parent + " " + rate->name].push_back({&file, &row, rate});
    }
    for (const auto& [key, places] : siblings) {
      std::set<std::string> frameworks;
      for (const Place& p : places) frameworks.insert(p.row->framework);
      if (frameworks.size() > 1) check_precisions(places, out);
    }
  }
  if (trained.size() > 1) check_trained(trained, out);
}

void find_no_gain(const Batch& batch, Doubts& out) {
  constexpr double kGain = 1.8, kNoGain = 1.25;
  for (const File& file : batch.files) {
    const Rates rates = gemm_rates(file);
    for (const auto& [framework, sizes] : rates) {
      std::vector<std::size_t> fields;
      std::vector<const Row*> rows;
      std::string example;
      for (const auto& [n, by_dtype] : sizes) {
        const auto own = gain(by_dtype);
        if (!own || *own > kNoGain) continue;
        for (const auto& [other, other_sizes] : rates) {
          const auto it = other_sizes.find(n);
          if (other == framework || it == other_sizes.end()) continue;
          const double theirs = gain(it->second).value_or(0);
          if (theirs < kGain) continue;
          const Row& row = *by_dtype.at("float16");
          fields.push_back(row.find(Quantity::flop_rate)->field);
          rows.push_back(&row);
          if (example.empty())
            example = "float16 is " + digits(*own) + " times as fast as float32 in " + framework +
                      " and " + digits(theirs) + " times in " + other + " at " + digits(n);
          break;
        }
      }
      if (fields.empty()) continue;
      auto doubt = doubt_about_all(file, fields, "no_gain",
                                   example + ": " + framework +
                                       " computed in float32, or its version did not know this GPU "
                                       "yet; it says nothing of the framework as such");
      doubt.rows = rows;
      out.push_back(std::move(doubt));
    }
  }
}

void find_rate_disagrees(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      const Figure* time = positive(row, Quantity::time);
      const Figure* rate = positive(row, Quantity::token_rate);
      if (time == nullptr || rate == nullptr) continue;
      const double counted = row.number("tokens").value_or(
          row.framework == "llama.cpp"
              ? row.number("prompt").value_or(0) + row.number("generated").value_or(0)
              : 0);
      if (counted <= 0) continue;
      const Figure* spread = positive(row, Quantity::time, "std");
      const double slack = 0.02 + (spread == nullptr ? 0 : spread->value / time->value) +
                           rounding_of(*file.values.at(time->field).json) +
                           rounding_of(*file.values.at(rate->field).json);
      const double computed = counted / time->value;
      if (std::abs(rate->value / computed - 1) <= slack) continue;
      out.push_back(doubt_about(file, row, *rate, "rate_disagrees",
                                digits(counted) + " tokens in " + digits(time->value) + " s are " +
                                    digits(computed) + " tokens/s"));
    }
  }
}

}  // namespace mlbench::importing
