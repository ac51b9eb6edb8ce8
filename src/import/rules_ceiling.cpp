// More than the machine can do.
#include "fit/catalogue.hpp"
#include "import/rules.hpp"
#include "import/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>

namespace mlbench::importing {
namespace {

constexpr double kMargin = 1.03;          // rounding of published numbers
constexpr double kMeasuredMargin = 1.10;  // runs of one machine differ
constexpr double kCacheBytes = 64e6;      // below, a cache may answer

bool is_cpu(const Row& row) {
  return row.device == "cpu";
}

/// The rate of a row in FLOP/s, stated or from its time, and the figure that says so.
std::optional<std::pair<double, const Figure*>> flop_rate_of(const Row& row) {
  if (const Figure* rate = positive(row, Quantity::flop_rate)) return std::pair{rate->value, rate};
  const Figure* time = positive(row, Quantity::time);
  const auto flop = row.known_flop();
  if (time == nullptr || !flop) return std::nullopt;
  return std::pair{*flop / time->value, time};
}

std::string tera(double flop_per_s) {
  return digits(flop_per_s / 1e12) + " TFLOP/s";
}

std::string giga(double bytes_per_s) {
  return digits(bytes_per_s / 1e9) + " GB/s";
}

void check_flop(const File& file, const Row& row, const Peak& peak, Doubts& out) {
  const auto rate = flop_rate_of(row);
  const auto most = flop_peak(peak, row.dtype);
  if (!rate || !most || rate->first <= *most * kMargin) return;
  out.push_back(doubt_about(file, row, *rate->second, "above_ceiling",
                            tera(rate->first) + " for " + row.label() + " is more than the " +
                                tera(*most) + " that " + peak.name + " can do at most"));
}

void check_bytes(const File& file, const Row& row, const Peak& peak, Doubts& out) {
  const Figure* rate = positive(row, Quantity::byte_rate);
  if (rate == nullptr || !peak.bandwidth || rate->value <= *peak.bandwidth * kMargin) return;
  if (row.number("bytes").value_or(kCacheBytes) < kCacheBytes) return;
  out.push_back(doubt_about(
      file, row, *rate, "above_ceiling",
      "more than the " + giga(*peak.bandwidth) + " of memory that are published for " + peak.name));
}

void check_prefill(const File& file, const Row& row, const Peak& peak, Doubts& out) {
  const Figure* rate = positive(row, Quantity::token_rate);
  const auto weights = weights_of(row);
  if (row.operation != "prefill" || rate == nullptr || !weights || !peak.float16) return;
  const double flop_per_s = 2 * weights->parameters * rate->value;
  if (weights->parameters <= 0 || flop_per_s <= *peak.float16 * kMargin) return;
  out.push_back(doubt_about(file, row, *rate, "above_ceiling",
                            "two operations for each of " + digits(weights->parameters / 1e9) +
                                " billion weights a token make " + tera(flop_per_s) +
                                ", more than the " + tera(*peak.float16) + " of " + peak.name));
}

bool is_mixture(const Row& row) {
  const std::string name = lower(row.model);
  if (name.find("moe") != std::string::npos || name.find("mixtral") != std::string::npos)
    return true;
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {  // "30B-A3B"
    const bool begins = i == 0 || !std::isalnum(static_cast<unsigned char>(name[i - 1]));
    if (begins && name[i] == 'a' && std::isdigit(static_cast<unsigned char>(name[i + 1])) != 0)
      return true;
  }
  return false;
}

bool names_phase(const std::string& text) {
  const std::string word = lower(text);
  constexpr std::array<std::string_view, 6> kPhases = {"decode", "generat", "prefill",
                                                       "prompt", "train",   "tun"};
  return std::any_of(kPhases.begin(), kPhases.end(),
                     [&](auto phase) { return word.find(phase) != std::string::npos; });
}

bool is_decode(const Row& row) {
  const std::string word = lower(row.operation);
  return (word.find("decode") != std::string::npos || word.find("generat") != std::string::npos) &&
         word.find("prefill") == std::string::npos;
}

/// Of the row's machine; else what the file says of it; else of the fastest machine that there is
/// with its framework.
Peak peak_or_fastest(const File& file, const Row& row) {
  if (auto peak = peak_of(row.machine); peak && peak->bandwidth) return *peak;
  for (const Row& other : file.rows) {
    if (const Figure* stated = positive(other, Quantity::byte_rate, "theoretical"))
      return {.name = "the machine, as the file says",
              .float32 = {},
              .float16 = {},
              .bandwidth = stated->value};
  }
  Peak fastest{.name = {}, .float32 = {}, .float16 = {}, .bandwidth = 0};
  const auto raise = [&](const std::string& name, double bandwidth) {
    if (bandwidth <= *fastest.bandwidth) return;
    fastest.name = name + ", the fastest in the catalogue";
    fastest.bandwidth = bandwidth;
  };
  for (const auto& c : fit::chips()) raise(c.name, c.bandwidth_bytes_per_s);
  const bool is_apple = row.framework == "mlx" || row.device == "mps";
  if (!is_apple) {
    for (const auto& c : fit::gpu_cards()) raise(c.name, c.bandwidth_bytes_per_s);
  }
  return fastest;
}

}  // namespace

void find_above_ceiling(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      for (const Figure& f : row.figures) {
        if (f.quantity == Quantity::share && f.value > kMargin)
          out.push_back(doubt_about(file, row, f, "above_ceiling", "more than all that there is"));
      }
      const auto peak = peak_of(row.machine);
      if (!peak || is_cpu(row)) continue;
      check_flop(file, row, *peak, out);
      check_bytes(file, row, *peak, out);
      check_prefill(file, row, *peak, out);
    }
  }
}

void find_above_measured(const Batch& batch, Doubts& out) {
  // By machine, or by file where that is not known; the best of any dtype under "".
  std::map<std::string, std::map<std::string, double>> best;
  const auto key = [](const File& file, const Row& row) {
    return row.machine.is_known() ? row.machine.chip : file.path;
  };
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      const Figure* rate = positive(row, Quantity::flop_rate);
      if (row.operation != "gemm" || rate == nullptr || is_cpu(row)) continue;
      for (const std::string& dtype : {row.dtype, std::string()}) {
        double& top = best[key(file, row)][dtype];
        top = std::max(top, rate->value);
      }
    }
  }
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      const Figure* rate = positive(row, Quantity::flop_rate);
      if (row.operation == "gemm" || rate == nullptr || is_cpu(row)) continue;
      const auto& tops = best[key(file, row)];
      const auto top = tops.find(row.dtype);
      if (top == tops.end() || rate->value <= top->second * kMeasuredMargin) continue;
      out.push_back(doubt_about(file, row, *rate, "above_measured",
                                row.label() +
                                    " is faster than the best matrix product measured on "
                                    "that machine, " +
                                    tera(top->second)));
    }
  }
}

void find_above_bandwidth(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      const Figure* rate = positive(row, Quantity::token_rate);
      const auto weights = weights_of(row);
      if (rate == nullptr || !weights || !is_decode(row) || is_mixture(row)) continue;
      const auto peak = peak_or_fastest(file, row);
      const double needed = rate->value * weights->bytes;
      if (needed <= *peak.bandwidth * kMargin) continue;
      out.push_back(doubt_about(file, row, *rate, "above_bandwidth",
                                "reading " + weights->how + " for each token takes " +
                                    giga(needed) + ", more than the " + giga(*peak.bandwidth) +
                                    " of " + peak.name));
    }
  }
}

void find_phase_unclear(const Batch& batch, Doubts& out) {
  for (const File& file : batch.files) {
    for (const Row& row : file.rows) {
      const Figure* rate = positive(row, Quantity::token_rate);
      const auto weights = weights_of(row);
      if (rate == nullptr || !weights || is_mixture(row)) continue;
      if (names_phase(rate->name) || names_phase(row.operation)) continue;
      const auto peak = peak_or_fastest(file, row);
      const double needed = rate->value * weights->bytes;
      if (needed <= *peak.bandwidth * kMargin) continue;
      out.push_back(
          doubt_about(file, row, *rate, "phase_unclear",
                      "as a rate of decoding it would read " + weights->how + " a token, " +
                          giga(needed) + ", more than the " + giga(*peak.bandwidth) + " of " +
                          peak.name + "; it must be prefill or training, and the name \"" +
                          rate->name + "\", which files use for decoding too, does not say so"));
    }
  }
}

}  // namespace mlbench::importing
