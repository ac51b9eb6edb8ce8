#include "run/controls.hpp"

namespace mlbench::run {
namespace {

plan::Family squares(const char* name, std::initializer_list<std::int64_t> sizes,
                     const std::set<std::string>& taken) {
  plan::Family family;
  family.name = name;
  family.take = 1;
  for (const std::int64_t n : sizes) {
    auto c = workload::make_case("gemm", workload::DType::float32, {{"m", n}, {"n", n}, {"k", n}});
    if (c && !taken.contains(c->id)) family.candidates.push_back(*std::move(c));
  }
  return family;
}

}  // namespace

std::string twin_name(const std::string& subject) {
  const auto colon = subject.find(':');
  const std::string label = subject.find('@') == std::string::npos ? "@again" : "+again";
  return subject.substr(0, colon) + label + subject.substr(colon);
}

Subject twin_of(const Subject& subject) {
  Subject twin = subject;
  twin.name = twin_name(subject.name);
  twin.twin_of = subject.name;
  return twin;
}

plan::Family null_candidates(const std::set<std::string>& taken) {
  return squares("null control", {96, 192, 384, 768, 1536, 3072}, taken);
}

plan::Family positive_candidates(const std::set<std::string>& taken) {
  return squares("positive control", {80, 160, 320, 640, 1280, 2560}, taken);
}

const workload::Case* choose_control(const plan::Family& family, const plan::Estimates& estimates,
                                     const std::string& subject, double longest_s) {
  const workload::Case* chosen = nullptr;
  for (const auto& c : family.candidates) {
    const auto tried = estimates.find(c.id);
    if (tried == estimates.end()) continue;
    const auto estimate = tried->second.find(subject);
    if (estimate == tried->second.end() || !estimate->second.call_s) continue;
    const double call_s = *estimate->second.call_s;
    if (call_s <= longest_s || chosen == nullptr) chosen = &c;
  }
  return chosen;
}

}  // namespace mlbench::run
