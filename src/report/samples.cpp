#include "report/samples.hpp"

#include "stats/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace mlbench::report {
namespace {

using store::BlockRecord;
using store::CaseRecord;
using store::Cell;

constexpr int kBins = 40;

double quantile(const std::vector<double>& values, double p) {
  return stats::quantile(values, p).value_or(1);  // never empty here, and finite by the journal
}

/// Every sample over `median_s`.
std::vector<double> shares(const Cell& cell, double median_s) {
  std::vector<double> all;
  for (const BlockRecord& b : cell.blocks) {
    for (const double s : b.samples_s) all.push_back(s / median_s);
  }
  return all;
}

double median_of(const Cell& cell) {
  std::vector<double> medians;
  for (const BlockRecord& b : cell.blocks) {
    if (!b.samples_s.empty()) medians.push_back(quantile(b.samples_s, 0.5));
  }
  return medians.empty() ? 0 : quantile(medians, 0.5);
}

std::vector<BlockPoint> points_of(const Cell& cell, double median_s, std::int64_t start_ns) {
  std::vector<BlockPoint> points;
  for (const BlockRecord& b : cell.blocks) {
    if (b.samples_s.empty()) continue;
    points.push_back({.round = b.round,
                      .at_s = static_cast<double>(b.start_ns - start_ns) * 1e-9,
                      .median = quantile(b.samples_s, 0.5) / median_s,
                      .low = quantile(b.samples_s, 0.25) / median_s,
                      .high = quantile(b.samples_s, 0.75) / median_s});
  }
  std::sort(points.begin(), points.end(),
            [](const auto& a, const auto& b) { return a.at_s < b.at_s; });
  return points;
}

/// One point a round: medians of its points.
std::vector<BlockPoint> by_round(const std::vector<BlockPoint>& points) {
  std::map<int, std::vector<BlockPoint>> rounds;
  for (const auto& p : points) rounds[p.round].push_back(p);
  std::vector<BlockPoint> out;
  for (const auto& of_round : rounds) {
    const auto& members = of_round.second;
    const auto middle = [&](auto member) {
      std::vector<double> values;
      for (const auto& p : members) values.push_back(p.*member);
      return quantile(values, 0.5);
    };
    out.push_back({.round = of_round.first,
                   .at_s = members.front().at_s,
                   .median = middle(&BlockPoint::median),
                   .low = middle(&BlockPoint::low),
                   .high = middle(&BlockPoint::high)});
  }
  return out;
}

/// Edges, evenly spaced in logs, that hold all but the outermost half percent of every subject.
/// What lies outside is counted in the first and last bin.
std::vector<double> edges_for(const std::vector<std::vector<double>>& subjects) {
  double low = 0.98, high = 1.02;
  for (const auto& values : subjects) {
    if (values.empty()) continue;
    low = std::min(low, quantile(values, 0.005));
    high = std::max(high, quantile(values, 0.995));
  }
  low = std::max(low, 0.2);
  high = std::min(high, 5.0);
  std::vector<double> edges;
  for (int i = 0; i <= kBins; ++i) edges.push_back(low * std::pow(high / low, i / double{kBins}));
  return edges;
}

std::vector<Bin> histogram(const std::vector<double>& values, const std::vector<double>& edges) {
  std::vector<Bin> bins;
  std::vector<std::size_t> counts(edges.size() - 1, 0);
  for (const double v : values) {
    const auto above = std::upper_bound(edges.begin(), edges.end(), v) - edges.begin();
    ++counts[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, kBins - 1))];
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0)
      bins.push_back(
          {.low = edges[i],
           .high = edges[i + 1],
           .share = static_cast<double>(counts[i]) / static_cast<double>(values.size())});
  }
  return bins;
}

CaseSamples case_samples(const CaseRecord& c, std::int64_t start_ns, bool all_blocks) {
  CaseSamples out{.case_id = c.definition.id, .cells = {}};
  std::vector<std::vector<double>> values;
  for (const auto& [subject, cell] : c.cells) {
    const double median_s = median_of(cell);
    if (!(median_s > 0)) continue;
    auto points = points_of(cell, median_s, start_ns);
    values.push_back(shares(cell, median_s));
    out.cells.push_back({.subject = subject,
                         .median_s = median_s,
                         .samples = values.back().size(),
                         .blocks = points.size(),
                         .points = all_blocks ? std::move(points) : by_round(points),
                         .bins = {}});
  }
  const auto edges = edges_for(values);
  for (std::size_t i = 0; i < values.size(); ++i) out.cells[i].bins = histogram(values[i], edges);
  return out;
}

}  // namespace

std::vector<CaseSamples> samples_of(const store::RunData& run, std::size_t most_points) {
  std::size_t blocks = 0;
  std::int64_t start_ns = std::numeric_limits<std::int64_t>::max();
  for (const CaseRecord& c : run.cases) {
    for (const auto& [subject, cell] : c.cells) {
      blocks += cell.blocks.size();
      for (const BlockRecord& b : cell.blocks) start_ns = std::min(start_ns, b.start_ns);
    }
  }
  std::vector<CaseSamples> all;
  for (const CaseRecord& c : run.cases) {
    auto samples = case_samples(c, start_ns, blocks <= most_points);
    if (!samples.cells.empty()) all.push_back(std::move(samples));
  }
  return all;
}

}  // namespace mlbench::report
