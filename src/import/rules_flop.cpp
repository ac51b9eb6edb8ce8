// Operations and times that do not follow from the shape.
#include "core/units.hpp"
#include "import/rules.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace mlbench::importing {
namespace {

constexpr double kFlopTolerance = 0.03;
constexpr double kScalingTolerance = 0.25;  // layers hold parts that do not grow with the sequence
constexpr double kDisagreement = 0.10;

double rounding(const File& file, const Figure& f) {
  return rounding_of(*file.values.at(f.field).json);
}

/// Rounding of time times rate, as they are written.
double rounding(const File& file, const Row& row) {
  return rounding(file, *row.find(Quantity::time)) + rounding(file, *row.find(Quantity::flop_rate));
}

std::string flops(double flop) {
  return format_flop(flop);
}

/// The one number by which rows of one operation differ: sequence, square size or bytes.
std::optional<double> size_of(const Row& row) {
  for (const char* name : {"seq", "n", "bytes"}) {
    if (const auto size = row.number(name); size && *size > 0 && !row.number("m")) return size;
  }
  return std::nullopt;
}

/// Rows that differ in nothing but size, by size. Where one size is measured twice, the first.
using Series = std::map<double, const Row*>;
std::vector<Series> series_of(const File& file) {
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, Series> all;
  for (const Row& row : file.rows) {
    const auto size = size_of(row);
    if (!size) continue;
    all[{row.operation, row.framework, row.device, row.dtype, row.model}].emplace(*size, &row);
  }
  std::vector<Series> list;
  for (auto& [key, series] : all) {
    if (series.size() > 1) list.push_back(std::move(series));
  }
  return list;
}

std::string size_name(const Row& row) {
  if (const auto seq = row.number("seq")) return "sequence " + digits(*seq);
  return "size " + digits(*size_of(row));
}

/// Twice the sequence is at least twice the work, and at most four times: attention grows with the
/// square.
bool grows(const File& file, const Row& small, const Row& large) {
  const double size = *size_of(large) / *size_of(small);
  const double work = *large.implied_flop() / *small.implied_flop();
  const double slack = kScalingTolerance + rounding(file, small) + rounding(file, large);
  return work >= size * (1 - slack) && work <= size * size * (1 + slack);
}

}  // namespace

void find_flop_count(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      const auto implied = row.implied_flop(), known = row.known_flop();
      if (!implied || !known) continue;
      if (std::abs(*implied / *known - 1) <= kFlopTolerance + rounding(file, row)) continue;
      out.push_back(doubt_about(file, row, *row.find(Quantity::flop_rate), "flop_count",
                                "with its time it stands for " + flops(*implied) + ", and " +
                                    row.label() + " is " + flops(*known)));
    }
  }
}

void find_flop_scaling(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Series& series : series_of(file)) {
      std::vector<const Row*> rows;
      for (const auto& [size, row] : series) {
        if (row->implied_flop() && !row->known_flop()) rows.push_back(row);
      }
      const Row* wrong = nullptr;
      for (std::size_t i = 0; i + 1 < rows.size() && wrong == nullptr; ++i) {
        if (!grows(file, *rows[i], *rows[i + 1])) wrong = rows[i];
      }
      if (wrong == nullptr) continue;
      std::vector<std::size_t> fields;
      for (const Row* row : rows) fields.push_back(row->find(Quantity::flop_rate)->field);
      auto doubt = doubt_about_all(
          file, fields, "flop_scaling",
          "with their times, the rates of " + rows.front()->operation + " stand for " +
              flops(*rows.front()->implied_flop()) + " at " + size_name(*rows.front()) + " and " +
              flops(*rows.back()->implied_flop()) + " at " + size_name(*rows.back()) +
              ": the operations that were counted do not grow with the shape");
      doubt.rows = rows;
      out.push_back(std::move(doubt));
    }
  }
}

void find_flop_disagreement(const Batch& batch, Doubts& out) {
  struct Place {
    const File* file;
    const Row* row;
  };
  std::map<std::string, std::vector<Place>> by_label;
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      if (!row.implied_flop() || row.known_flop() || !size_of(row)) continue;
      auto key = row.label();
      for (const char* part : {"heads", "head_dim", "hidden", "intermediate", "batch_size"})
        key += " " + std::to_string(row.number(part).value_or(0));
      by_label[key].push_back({&file, &row});
    }
  }
  std::map<std::string, bool> said;  // one doubt an operation and pair of sides
  for (const auto& [label, places] : by_label) {
    for (const Place& p : places) {
      const Place& first = places.front();
      const double ratio = *p.row->implied_flop() / *first.row->implied_flop();
      const double slack =
          kDisagreement + rounding(*p.file, *p.row) + rounding(*first.file, *first.row);
      if (std::abs(ratio - 1) <= slack) continue;
      auto& already = said[p.row->operation + p.file->path + p.row->framework + first.file->path];
      if (already) continue;
      already = true;
      out.push_back(doubt_about(
          *p.file, *p.row, *p.row->find(Quantity::flop_rate), "flop_disagreement",
          "it counts " + flops(*p.row->implied_flop()) + " for " + p.row->label() + ", and " +
              (first.file == p.file ? first.row->framework + " beside it" : first.file->path) +
              " counts " + flops(*first.row->implied_flop()) +
              " for the same: the two rates cannot be compared, their times can"));
      out.back().rows.push_back(first.row);
    }
  }
}

void find_time_falls(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Series& series : series_of(file)) {
      for (auto it = series.begin(); std::next(it) != series.end(); ++it) {
        const Figure* small = positive(*it->second, Quantity::time);
        const Figure* large = positive(*std::next(it)->second, Quantity::time);
        if (small == nullptr || large == nullptr || small->name != large->name) continue;
        if (std::next(it)->first / it->first < 1.25 || small->value <= 1.02 * large->value)
          continue;
        out.push_back(
            doubt_about(file, *it->second, *small, "time_falls",
                        "longer than " + format_time(large->value) + " at " +
                            size_name(*std::next(it)->second) +
                            ", which is more work: the first calls were not warmed up, or "
                            "something disturbed it"));
      }
    }
  }
}

void find_sums(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    // Times of each object by operation, objects by the one around them.
    std::map<std::string, std::map<std::string, std::map<std::string, const Row*>>> groups;
    for (const Row& row : file.rows) {
      if (positive(row, Quantity::time) != nullptr)
        groups[row.parent][row.object][row.operation] = &row;
    }
    for (const auto& [parent, objects] : groups) {
      if (objects.size() < 2) continue;
      const auto& first = objects.begin()->second;
      if (first.size() > 20) continue;
      for (const auto& entry : first) {
        const auto& whole = entry.first;
        for (auto a = first.begin(); a != first.end(); ++a) {
          for (auto b = std::next(a); b != first.end(); ++b) {
            if (a->first == whole || b->first == whole) continue;
            std::vector<std::size_t> fields;
            const bool is_sum =
                std::all_of(objects.begin(), objects.end(), [&](const auto& object) {
                  const auto& parts = object.second;
                  const auto w = parts.find(whole), x = parts.find(a->first),
                             y = parts.find(b->first);
                  if (w == parts.end() || x == parts.end() || y == parts.end()) return false;
                  const Figure& fw = *w->second->find(Quantity::time);
                  const double sum = x->second->find(Quantity::time)->value +
                                     y->second->find(Quantity::time)->value;
                  fields.push_back(fw.field);
                  const double step = 2.2 * std::max(rounding(file, fw), 1e-9);
                  return std::abs(fw.value / sum - 1) <= std::min(step, 0.003);
                });
            if (!is_sum) continue;
            auto doubt = doubt_about_all(file, fields, "sum_not_measured",
                                         "in every case it is " + a->first + " plus " + b->first +
                                             ": added up, not measured");
            doubt.rows.push_back(entry.second);
            out.push_back(std::move(doubt));
          }
        }
      }
    }
  }
}

}  // namespace mlbench::importing
