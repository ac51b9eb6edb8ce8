#include "cli/describe_subjects.hpp"

namespace mlbench::cli {
namespace {

constexpr double kTimeout_s = 60;

store::SubjectRecord describe(const run::Subject& s) {
  store::SubjectRecord record{.name = s.name,
                              .framework = s.framework,
                              .device = s.device,
                              .status = store::CaseStatus::ok,
                              .reason = {},
                              .facts = Json::object()};
  const auto give_up = [&](store::CaseStatus status, const std::string& reason) {
    record.status = status;
    record.reason = reason;
    return record;
  };
  if (!s.missing.empty()) return give_up(store::CaseStatus::unsupported, s.missing);
  auto started = run::Worker::start(s, "/dev/null", kTimeout_s);
  if (const auto* failure = std::get_if<run::CallFailure>(&started))
    return give_up(failure->status, failure->reason);
  auto& worker = std::get<run::Worker>(started);
  auto answer = worker.call("describe", {{"device", s.device}}, kTimeout_s);
  if (answer.failure) return give_up(answer.failure->status, answer.failure->reason);
  worker.finish();
  record.facts = std::move(answer.body);
  return record;
}

}  // namespace

std::vector<store::SubjectRecord> describe_all(const std::vector<run::Subject>& subjects) {
  std::vector<store::SubjectRecord> records;
  for (const auto& s : subjects) records.push_back(describe(s));
  return records;
}

}  // namespace mlbench::cli
