#include "run/support.hpp"

#include "core/text.hpp"
#include "run/output_file.hpp"
#include "run/slot.hpp"

#include <algorithm>
#include <optional>

namespace mlbench::run {
namespace {

/// A worker that is started when it is needed and after it was lost.
class Restarting {
 public:
  Restarting(const Subject& subject, const Settings& settings, std::filesystem::path log)
      : subject_(subject), settings_(settings), log_(std::move(log)) {}

  Answer call(const char* verb, Json body, double timeout_s) {
    if (!worker_) {
      auto started = Worker::start(subject_, log_, settings_.timeout_s);
      if (auto* failure = std::get_if<CallFailure>(&started))
        return {.body = {}, .failure = *failure};
      worker_ = std::get<Worker>(std::move(started));
    }
    auto answer = worker_->call(verb, std::move(body), timeout_s);
    if (answer.failure && answer.failure->worker_gone) worker_.reset();
    return answer;
  }

  void finish() {
    if (worker_) worker_->finish();
  }

 private:
  const Subject& subject_;
  const Settings& settings_;
  std::filesystem::path log_;
  std::optional<Worker> worker_;
};

struct Probe {
  Restarting& worker;
  const Settings& settings;
  const std::filesystem::path& scratch;
  workload::Checker& checker;
  SupportRow& row;

  /// The answer's fields; nullopt when the row says why there are none.
  std::optional<Json> ask(const char* verb, Json body) {
    const auto& c = row.definition;
    body["case"] = c.id;
    auto answer = worker.call(verb, std::move(body), settings.timeout_s + work_timeout_s(c));
    if (!answer.failure) return std::move(answer.body);
    row.support = Support::unsupported;
    row.reason = answer.failure->reason;
    if (answer.failure->status != store::CaseStatus::unsupported)
      row.reason = std::string(name_of(answer.failure->status)) + ": " + row.reason;
    return std::nullopt;
  }

  bool prepare(const std::string& device) {
    Json body = to_json(row.definition);
    body["device"] = device;
    body["seed"] = settings.seed;
    const auto answer = ask("prepare", std::move(body));
    if (!answer) return false;
    row.kernel = find_string(*answer, "kernel").value_or("");
    row.reason = join(find_strings(*answer, "notes"), "; ");
    const auto on_cpu = find_strings(*answer, "fallback");
    if (!on_cpu.empty()) {
      row.support = Support::fallback;
      row.reason = "runs on the CPU: " + join(on_cpu, ", ");
    }
    return true;
  }

  bool verify() {
    const auto path = scratch / "support.output";
    const auto answer = ask("verify", {{"source", "fresh"}, {"path", path.string()}});
    if (!answer) return false;
    const auto output = read_output(*answer, path);
    workload::CheckResult result;
    if (output) {
      result = checker.check(*output);
    } else {
      result.detail = output.error().message;
    }
    if (result.ok) return true;
    row.support = Support::wrong;
    row.reason = result.detail;
    return false;
  }

  void measure() {
    const auto answer = ask("block", {{"calls", 1}, {"samples", 8}});
    if (!answer) return;
    const auto block = protocol::block_from_json(*answer);
    if (block && !block->samples_s.empty())
      row.call_s = *std::min_element(block->samples_s.begin(), block->samples_s.end());
  }
};

/// Calls a row slow where its float32 sibling shows it.
void mark_slow(std::vector<SupportRow>& rows) {
  std::vector<compare::TimedCase> cases;
  for (const SupportRow& row : rows) cases.push_back({row.subject, &row.definition, row.call_s});
  const auto ratios = compare::float32_ratios(cases);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SupportRow& row = rows[i];
    row.float32_ratio = ratios[i];
    if (!ratios[i] || row.support != Support::native || *ratios[i] <= kSlowFactor) continue;
    row.support = Support::slow;
    row.reason = compare::slow_reason(*ratios[i]) + (row.reason.empty() ? "" : "; " + row.reason);
  }
}

}  // namespace

std::string_view name_of(Support support) noexcept {
  switch (support) {
    case Support::native: return "native";
    case Support::slow: return "slow";
    case Support::fallback: return "fallback";
    case Support::unsupported: return "unsupported";
    case Support::wrong: return "wrong";
  }
  return "unsupported";
}

std::vector<SupportRow> probe_support(const std::vector<Subject>& subjects,
                                      const std::vector<workload::Case>& cases,
                                      const Settings& settings,
                                      const std::filesystem::path& scratch,
                                      const std::function<void(const std::string&)>& tell) {
  std::vector<std::unique_ptr<Restarting>> workers;
  for (const Subject& s : subjects)
    workers.push_back(std::make_unique<Restarting>(s, settings, scratch / "support.log"));
  std::vector<SupportRow> rows;
  for (const auto& c : cases) {
    const auto checker = workload::find_workload(c.workload)->make_checker(c, settings.seed);
    for (std::size_t i = 0; i < subjects.size() && !stop_requested(); ++i) {
      tell("probing " + subjects[i].name + " " + c.id);
      SupportRow row{.definition = c,
                     .subject = subjects[i].name,
                     .reason = {},
                     .kernel = {},
                     .call_s = {},
                     .float32_ratio = {}};
      Probe probe{*workers[i], settings, scratch, *checker, row};
      if (probe.prepare(subjects[i].device) && probe.verify()) probe.measure();
      static_cast<void>(workers[i]->call("release", {{"case", c.id}}, settings.timeout_s));
      rows.push_back(std::move(row));
    }
  }
  for (auto& worker : workers) worker->finish();
  mark_slow(rows);
  return rows;
}

}  // namespace mlbench::run
