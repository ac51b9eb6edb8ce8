#include "judge.hpp"

#include "rules.hpp"
#include "stats/paired.hpp"
#include "stats/quantile.hpp"
#include "stats/summary.hpp"
#include "stats/verdict.hpp"
#include "stats/wilson.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>

namespace mlbench::calibration {
namespace {

constexpr double kTarget = 0.01;
constexpr int kMinPairs = 6, kMaxPairs = 30;

using Unit = std::map<std::string, const Series*>;  // by side

/// The series of one work by unit; units in order.
std::map<int, Unit> units_of(const std::vector<Series>& all, const std::string& work) {
  std::map<int, Unit> units;
  for (const Series& s : all) {
    if (s.work == work) units[s.unit][s.side] = &s;
  }
  return units;
}

/// Samples one after the other; `lead_in`: with the first of each block, which in a sequential
/// series is a sample like any other.
std::vector<double> flat(const Series& s, bool lead_in) {
  std::vector<double> times;
  for (const auto& block : s.blocks_s)
    times.insert(times.end(), block.begin() + (lead_in ? 0 : 1), block.end());
  return times;
}

std::vector<std::vector<double>> kept(const Series& s) {
  std::vector<std::vector<double>> blocks;
  for (const auto& block : s.blocks_s) blocks.emplace_back(block.begin() + 1, block.end());
  return blocks;
}

/// What one side costs in its process, which two works share.
double side_s(const Series& s) {
  return s.start_s / static_cast<double>(works().size()) + s.warm_s + s.measure_s;
}

struct Pair {
  const Series *a, *b;
  [[nodiscard]] double cost_s() const { return side_s(*a) + side_s(*b); }
};

std::vector<Pair> pairs_of(const std::vector<Series>& all, const std::string& work,
                           const std::string& b) {
  std::vector<Pair> pairs;
  for (const auto& [unit, sides] : units_of(all, work)) {
    const auto x = sides.find("a-1"), y = sides.find(b);
    if (x != sides.end() && y != sides.end()) pairs.push_back({x->second, y->second});
  }
  return pairs;
}

std::string rate(int k, int n) {
  const auto w = stats::wilson_interval(k, n);
  if (!w) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%d/%d = %.0f %% (%.0f-%.0f)", k, n, 100 * w->rate, 100 * w->low,
                100 * w->high);
  return text;
}

std::string percent(std::optional<double> log_value) {
  if (!log_value) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * std::expm1(*log_value));
  return text;
}

std::string seconds(double s) {
  char text[32];
  if (s > 7200) {
    std::snprintf(text, sizeof text, "%.0f h", s / 3600);
  } else if (s > 120) {
    std::snprintf(text, sizeof text, "%.0f min", s / 60);
  } else {
    std::snprintf(text, sizeof text, "%.1f s", s);
  }
  return text;
}

struct Tally {
  int n = 0, slower = 0, faster = 0;
  std::vector<double> errors, widths;
  void add(const Opinion& o) {
    ++n;
    slower += o.sign > 0 ? 1 : 0;
    faster += o.sign < 0 ? 1 : 0;
    errors.push_back(std::abs(o.estimate_log));
    if (o.half_width_log) widths.push_back(*o.half_width_log);
  }
};

Tally apply(const Rule& rule, const std::vector<Pair>& pairs, bool lead_in) {
  Tally tally;
  for (const Pair& p : pairs) tally.add(rule.judge(flat(*p.a, lead_in), flat(*p.b, lead_in)));
  return tally;
}

double mean_cost_s(const std::vector<Pair>& pairs) {
  double sum = 0;
  for (const Pair& p : pairs) sum += p.cost_s();
  return pairs.empty() ? 0 : sum / static_cast<double>(pairs.size());
}

void other_rules(const Recording& r, const std::string& work, std::ostream& out) {
  out << "| rule | A against A, sequential: wrong | +3 % found | +5 % found | wrong sign | A "
         "against A, interleaved: wrong | range it prints, sequential | error in 95 % of cases | "
         "one comparison | repeated until within 1 % |\n"
         "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  const auto null = pairs_of(r.sequential, work, "a-2"), more3 = pairs_of(r.sequential, work, "b3"),
             more5 = pairs_of(r.sequential, work, "b5"),
             together = pairs_of(r.interleaved, work, "a-2");
  for (const Rule& rule : other_tools()) {
    const auto n = apply(rule, null, true), b3 = apply(rule, more3, true),
               b5 = apply(rule, more5, true), i = apply(rule, together, false);
    const double error = stats::quantile(n.errors, 0.95).value_or(0);
    const double cost_s = mean_cost_s(null);
    // The mean of R comparisons is off by 1/sqrt(R) as much.
    const double repeats = std::max(1.0, std::pow(error / std::log1p(kTarget), 2));
    out << "| " << rule.name << " | " << rate(n.slower + n.faster, n.n) << " | "
        << rate(b3.slower, b3.n) << " | " << rate(b5.slower, b5.n) << " | " << b3.faster + b5.faster
        << "/" << b3.n + b5.n << " | " << rate(i.slower + i.faster, i.n) << " | ±"
        << percent(stats::median(n.widths)) << " | " << percent(error) << " | " << seconds(cost_s)
        << " | " << seconds(cost_s * repeats) << " |\n";
  }
}

std::optional<double> log_ratio(const Pair& p) {
  return stats::pair_log_ratio(kept(*p.a), kept(*p.b));
}

/// Process by process: a series against a series, blocks of one not beside those of the other.
std::optional<double> sequential_log_ratio(const Pair& p) {
  const auto a = stats::process_time(kept(*p.a)), b = stats::process_time(kept(*p.b));
  if (!a || !b) return std::nullopt;
  return std::log(*b) - std::log(*a);
}

struct Ours {
  int n = 0, slower = 0, faster = 0, covered = 0, reached = 0;
  double cost_s = 0, rounds = 0;
  std::vector<double> half_widths;
};

/// Our rule over rounds in their order: after six, stop when the interval is within the target; the
/// next answer starts with the next round.
Ours in_order(const std::vector<Pair>& pairs) {
  Ours ours;
  std::vector<double> d;
  double cost_s = 0;
  for (const Pair& p : pairs) {
    if (const auto x = log_ratio(p)) d.push_back(*x);
    cost_s += p.cost_s();
    const auto interval = stats::ratio_interval(d);
    const bool settled = stats::settled(interval, kTarget);
    if (static_cast<int>(d.size()) < kMinPairs ||
        (!settled && static_cast<int>(d.size()) < kMaxPairs))
      continue;
    const auto verdict = stats::judge(interval).verdict;
    ++ours.n;
    ours.reached += settled ? 1 : 0;
    ours.slower += verdict == stats::Verdict::faster ? 1 : 0;  // a is faster: b is slower
    ours.faster += verdict == stats::Verdict::slower ? 1 : 0;
    ours.cost_s += cost_s;
    ours.rounds += static_cast<double>(d.size());
    ours.half_widths.push_back(interval->half_width_log);
    d.clear();
    cost_s = 0;
  }
  return ours;
}

/// The same on rounds drawn at random, with the sides of each flipped at random where `flip`: many
/// answers from few rounds, exact under "no difference", blind to the order in time.
Ours at_random(const std::vector<Pair>& pairs, int draws, bool flip,
               std::optional<double> (*ratio)(const Pair&)) {
  std::vector<double> all;
  for (const Pair& p : pairs) {
    if (const auto x = ratio(p)) all.push_back(*x);
  }
  Ours ours;
  if (all.size() < kMinPairs) return ours;
  std::mt19937_64 random(1);
  const auto most = std::min<std::size_t>(kMaxPairs, all.size());
  // Without flips all draws of everything are the same one.
  if (!flip && most == all.size()) draws = 1;
  for (int draw = 0; draw < draws; ++draw) {
    std::vector<double> rest = all, d;
    while (d.size() < most) {
      const auto i = random() % rest.size();
      const bool flipped = flip && random() % 2 == 0;
      d.push_back(flipped ? -rest[i] : rest[i]);
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      if (d.size() >= kMinPairs && stats::settled(stats::ratio_interval(d), kTarget)) break;
    }
    const auto interval = stats::ratio_interval(d);
    const auto verdict = stats::judge(interval).verdict;
    ++ours.n;
    ours.reached += stats::settled(interval, kTarget) ? 1 : 0;
    ours.slower += verdict == stats::Verdict::faster ? 1 : 0;
    ours.faster += verdict == stats::Verdict::slower ? 1 : 0;
    ours.rounds += static_cast<double>(d.size());
    ours.half_widths.push_back(interval->half_width_log);
  }
  return ours;
}

double share(int k, int n) {
  return n == 0 ? 0 : 100.0 * k / n;
}

/// Share of the draws, or "1/1" where there is only one.
std::string found(const Ours& o) {
  char text[32];
  if (o.n <= 1) {
    std::snprintf(text, sizeof text, "%d/%d", o.slower, o.n);
  } else {
    std::snprintf(text, sizeof text, "%.0f %%", share(o.slower, o.n));
  }
  return text;
}

void our_rule(const Recording& r, const std::string& work, std::ostream& out) {
  out << "| ours | answers | A against A: wrong | +3 % found | +5 % found | within 1 % | mean "
         "rounds | median half-width | mean time |\n"
         "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  const auto null = pairs_of(r.interleaved, work, "a-2"),
             more3 = pairs_of(r.interleaved, work, "b3"),
             more5 = pairs_of(r.interleaved, work, "b5");
  const auto o = in_order(null), o3 = in_order(more3), o5 = in_order(more5);
  char text[512];
  const auto mean = [](double sum, int n) { return n == 0 ? 0 : sum / n; };
  out << "| interleaved, rounds in order | " << o.n << " | " << rate(o.slower + o.faster, o.n)
      << " | " << rate(o3.slower, o3.n) << " | " << rate(o5.slower, o5.n) << " | " << o.reached
      << "/" << o.n << " | ";
  std::snprintf(text, sizeof text, "%.1f | ±%s | %s |\n", mean(o.rounds, o.n),
                percent(stats::median(o.half_widths)).c_str(),
                seconds(mean(o.cost_s, o.n)).c_str());
  out << text;
  constexpr int kDraws = 4000;
  const auto row = [&](const char* name, const std::vector<Pair>& n, const std::vector<Pair>& b3,
                       const std::vector<Pair>& b5, std::optional<double> (*ratio)(const Pair&)) {
    const auto x = at_random(n, kDraws, true, ratio), x3 = at_random(b3, kDraws, false, ratio),
               x5 = at_random(b5, kDraws, false, ratio);
    std::snprintf(
        text, sizeof text,
        "| %s | %d draws of %zu | %.1f %% | %.0f %% | %.0f %% | %.0f %% | %.1f | ±%s | %s "
        "|\n",
        name, x.n, n.size(), share(x.slower + x.faster, x.n), share(x3.slower, x3.n),
        share(x5.slower, x5.n), share(x.reached, x.n), mean(x.rounds, x.n),
        percent(stats::median(x.half_widths)).c_str(),
        seconds(mean(x.rounds, x.n) * mean_cost_s(n)).c_str());
    out << text;
  };
  row("interleaved, rounds at random", null, more3, more5, log_ratio);
  row("sequential, processes at random", pairs_of(r.sequential, work, "a-2"),
      pairs_of(r.sequential, work, "b3"), pairs_of(r.sequential, work, "b5"), sequential_log_ratio);
}

/// What the extra work really costs, from all interleaved rounds.
void truth(const Recording& r, const std::string& work, std::ostream& out) {
  for (const char* b : {"a-2", "b3", "b5"}) {
    std::vector<double> d;
    for (const Pair& p : pairs_of(r.interleaved, work, b)) {
      if (const auto x = log_ratio(p)) d.push_back(*x);
    }
    const auto i = stats::ratio_interval(d);
    if (!i) continue;
    char text[160];
    std::snprintf(text, sizeof text,
                  "%s against a-1: %.3f (%.3f-%.3f) over %d rounds, sd of a pair %.1f %%\n\n", b,
                  i->ratio, i->low, i->high, i->pairs, 100 * i->sd_log);
    out << text;
  }
}

}  // namespace

void judge(const Recording& recording, std::ostream& out) {
  for (const Work& work : works()) {
    out << "\n## " << work.name << "\n\n";
    truth(recording, work.name, out);
    other_rules(recording, work.name, out);
    out << '\n';
    our_rule(recording, work.name, out);
  }
}

}  // namespace mlbench::calibration
