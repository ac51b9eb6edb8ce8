#include "record.hpp"

#include "core/json.hpp"
#include "recording.hpp"
#include "run/worker.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <random>

namespace mlbench::calibration {
namespace {

constexpr double kTimeout_s = 120;
constexpr int kRows = 6;
constexpr double kBlock_s = 0.03;

using Clock = std::chrono::steady_clock;

double since_s(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class T>
void shuffle(std::vector<T>& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random() % i]);
}

/// One process of one side.
class Side {
 public:
  static Result<Side> start(const RecordOptions& options, const std::string& name) {
    const auto begin = Clock::now();
    // One thread, as in the experiment of docs/method.md: what is judged here are the rules.
    const run::Subject subject{.name = "torch:cpu",
                               .framework = "torch",
                               .device = "cpu",
                               .program = options.worker,
                               .missing = {},
                               .environment = {{"OMP_NUM_THREADS", "1"}, {"MKL_NUM_THREADS", "1"}}};
    auto log = options.output;
    log += ".log";
    auto started = run::Worker::start(subject, log, kTimeout_s);
    if (auto* failure = std::get_if<run::CallFailure>(&started))
      return fail(ErrorKind::protocol, failure->reason);
    Side side(std::get<run::Worker>(std::move(started)), name);
    side.start_s_ = since_s(begin);
    return side;
  }

  /// Builds the inputs and warms up with `share` of the full warm-up: later works of a process need
  /// less.
  Status warm(const Work& work, double share, int unit) {
    const auto begin = Clock::now();
    const Json params = {{"m", work.m}, {"n", work.n}, {"k", work.k.at(kind_of(name_))}};
    const Json request = {{"workload", "gemm"},
                          {"dtype", "float32"},
                          {"params", params},
                          {"device", "cpu"},
                          {"seed", 1}};
    auto prepared = ask("prepare", work, request);
    if (!prepared) return prepared.error();
    case_ids_[work.name] = find_string(*prepared, "case").value_or("");
    auto answer =
        ask("warm", work, {{"min_calls", 3}, {"min_s", 0.2 * share}, {"max_s", 2 * share}});
    if (!answer) return answer.error();
    auto& s = series_[work.name];
    s = {.work = work.name,
         .side = name_,
         .unit = unit,
         .start_s = start_s_,
         .warm_s = since_s(begin),
         .measure_s = 0,
         .blocks_s = {}};
    const auto times = get_numbers(*answer, "samples_s");
    if (!times || times->empty()) return fail(ErrorKind::protocol, "the worker sent no warm-up");
    call_s_[work.name] = times->back();
    return Done{};
  }

  Status block(const Work& work, int samples) {
    const auto begin = Clock::now();
    auto answer = ask("block", work, {{"calls", 1}, {"samples", samples}});
    if (!answer) return answer.error();
    auto times = get_numbers(*answer, "samples_s");
    if (!times) return times.error();
    auto& s = series_[work.name];
    s.measure_s += since_s(begin);
    s.blocks_s.push_back(*std::move(times));
    return Done{};
  }

  [[nodiscard]] double call_s(const Work& work) const { return call_s_.at(work.name); }
  [[nodiscard]] const Series& series(const Work& work) const { return series_.at(work.name); }
  void finish() { worker_.finish(); }

 private:
  Side(run::Worker worker, std::string name) : worker_(std::move(worker)), name_(std::move(name)) {}

  Result<Json> ask(const char* verb, const Work& work, Json body) {
    body["case"] = case_ids_[work.name];
    auto answer = worker_.call(verb, std::move(body), kTimeout_s);
    if (answer.failure)
      return fail(ErrorKind::protocol, std::string(verb) + ": " + answer.failure->reason);
    return std::move(answer.body);
  }

  run::Worker worker_;
  std::string name_;
  double start_s_ = 0;
  std::map<std::string, std::string> case_ids_;  // as the worker derived them
  std::map<std::string, double> call_s_;
  std::map<std::string, Series> series_;
};

/// Nanoseconds as integers: exact, since that is what the clock gives for one call a sample.
Json to_json(const Series& s, const char* design) {
  Json blocks = Json::array();
  for (const auto& block : s.blocks_s) {
    Json samples = Json::array();
    for (const double t : block) samples.push_back(std::llround(t * 1e9));
    blocks.push_back(std::move(samples));
  }
  return {{"design", design},         {"unit", s.unit},
          {"work", s.work},           {"side", s.side},
          {"start_s", s.start_s},     {"warm_s", s.warm_s},
          {"measure_s", s.measure_s}, {"blocks_ns", std::move(blocks)}};
}

class Recorder {
 public:
  Recorder(const RecordOptions& options, std::FILE* file)
      : options_(options), random_(options.seed), file_(file) {}

  Status sequential(int unit) {
    // One of the two with more work each time, in turn: null comparisons matter most.
    std::vector<std::string> sides = {"a-1", "a-2", unit % 2 == 0 ? "b3" : "b5"};
    shuffle(sides, random_);
    for (const auto& name : sides) {
      auto side = Side::start(options_, name);
      if (!side) return side.error();
      for (const Work& work : works()) {
        if (auto ok = side->warm(work, 1, unit); !ok) return ok;
        const auto begin = Clock::now();
        const int samples = std::max(3, static_cast<int>(0.25 / side->call_s(work)));
        while (since_s(begin) < options_.sequential_s) {
          if (auto ok = side->block(work, samples); !ok) return ok;
        }
        if (auto ok = write(side->series(work), "sequential"); !ok) return ok;
      }
      side->finish();
    }
    return Done{};
  }

  Status interleaved(int round) {
    std::vector<Side> sides;
    auto names = kSides;
    shuffle(names, random_);
    for (const auto& name : names) {
      auto side = Side::start(options_, name);
      if (!side) return side.error();
      sides.push_back(*std::move(side));
    }
    auto order = works();
    shuffle(order, random_);
    for (std::size_t w = 0; w < order.size(); ++w) {
      for (Side& s : sides) {
        if (auto ok = s.warm(order[w], w == 0 ? 1 : 0.25, round); !ok) return ok;
      }
      if (auto ok = rows(order[w], sides); !ok) return ok;
      for (Side& s : sides) {
        if (auto ok = write(s.series(order[w]), "interleaved"); !ok) return ok;
      }
    }
    for (Side& s : sides) s.finish();
    return Done{};
  }

 private:
  Status rows(const Work& work, std::vector<Side>& sides) {
    std::vector<std::size_t> order = {0, 1, 2, 3};
    // Equal numbers of samples for all sides, as the run loop has it.
    double call_s = sides[0].call_s(work);
    for (const Side& s : sides) call_s = std::min(call_s, s.call_s(work));
    const int samples = std::max(3, static_cast<int>(std::ceil(kBlock_s / call_s)));
    for (int row = 0; row < kRows; ++row) {
      if (row % 2 == 0) {
        shuffle(order, random_);
      } else {
        std::reverse(order.begin(), order.end());
      }
      for (const auto i : order) {
        if (auto ok = sides[i].block(work, samples); !ok) return ok;
      }
    }
    return Done{};
  }

  Status write(const Series& s, const char* design) {
    const auto line = dump_json(to_json(s, design)) + "\n";
    if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0)
      return fail(ErrorKind::io, options_.output.string() + ": cannot be written");
    return Done{};
  }

  const RecordOptions& options_;
  std::mt19937_64 random_;
  std::FILE* file_;
};

}  // namespace

Status record(const RecordOptions& options, std::ostream& progress) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(options.output.c_str(), "wx"), &std::fclose);
  if (!file)
    return fail(ErrorKind::io, options.output.string() + ": exists already or cannot be written");
  Recorder recorder(options, file.get());
  std::mt19937_64 random(options.seed + 1);
  const auto start = Clock::now();
  int round = 0;
  for (int unit = 0; unit < options.units; ++unit) {
    // The sequential set at a random place among the unit's rounds.
    const auto place = static_cast<int>(random() % static_cast<std::uint64_t>(options.rounds + 1));
    for (int i = 0; i <= options.rounds; ++i) {
      if (auto ok = i == place ? recorder.sequential(unit) : recorder.interleaved(round++); !ok)
        return ok;
    }
    progress << "unit " << unit + 1 << " of " << options.units << ", "
             << static_cast<int>(since_s(start)) << " s\n"
             << std::flush;
  }
  return Done{};
}

}  // namespace mlbench::calibration
