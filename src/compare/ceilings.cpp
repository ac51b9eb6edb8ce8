#include "compare/ceilings.hpp"

#include "compare/verdicts.hpp"

#include <algorithm>
#include <tuple>

namespace mlbench::compare {
namespace {

using store::CaseRecord;
using store::CaseStatus;
using workload::RateUnit;

constexpr const char* kBandwidth = "bytes_per_s";
/// Working sets are measured an octave apart: the nearest is within this factor.
constexpr double kNear = 0.7;
/// From so many last-level caches on, no cache helps (J. McCalpin's rule for STREAM).
constexpr double kCachesExceeded = 4;

/// Bytes that a call touches again and again: all copies of a cold case, else the traffic of a
/// call, as each array is touched once; a call of decode goes over the weights once a token.
double working_set_bytes(const CaseRecord& c) {
  const bool decodes = c.definition.workload == "decode";
  const auto passes = decodes ? find_int(c.definition.params, "tokens").value_or(1) : 1;
  return std::max(c.work.bytes / static_cast<double>(std::max<std::int64_t>(1, passes)),
                  static_cast<double>(c.definition.variant.cold_bytes));
}

/// "gpu" of the subject called framework:device; empty for one that the run does not know.
std::string kind_of(const store::RunData& run, const std::string& subject) {
  const auto* record = run.find_subject(subject);
  return record == nullptr ? "" : device_kind(record->device);
}

}  // namespace

std::string device_kind(const std::string& device) {
  return device == "cpu" ? "cpu" : "gpu";
}

std::optional<double> arithmetic_intensity(const workload::Work& work) {
  if (work.bytes <= 0) return std::nullopt;
  return work.flop / work.bytes;
}

Ceilings::Ceilings(const store::RunData& run) {
  if (run.header.contains("machine") && run.header["machine"].contains("cpu")) {
    last_level_cache_bytes_["cpu"] =
        find_number(run.header["machine"]["cpu"], "l3_bytes").value_or(0);
  }
  for (const auto& s : run.subjects) {
    auto& cache_bytes = last_level_cache_bytes_[device_kind(s.device)];
    cache_bytes = std::max(cache_bytes, find_number(s.facts, "l2_bytes").value_or(0));
  }
  for (const auto& c : run.ceilings) {
    raise({.device_kind = kind_of(run, c.subject),
           .resource = c.resource,
           .rate = c.rate,
           .working_set_bytes = c.working_set_bytes,
           .name = c.name,
           .subject = c.subject,
           .threads = c.threads});
  }
  for (const CaseRecord& c : run.cases) {
    const bool is_gemm = c.definition.workload == "gemm",
               is_memory = c.definition.workload == "memory";
    if (c.control || !(is_gemm || is_memory)) continue;
    for (const auto& [subject, cell] : c.cells) {
      const auto time = time_of(cell);
      const auto kind = kind_of(run, subject);
      if (cell.status != CaseStatus::ok || !time || kind.empty()) continue;
      raise({.device_kind = kind,
             .resource = is_gemm ? std::string(workload::name_of(c.definition.dtype)) : kBandwidth,
             .rate = (is_gemm ? c.work.flop : c.work.bytes) / time->median_s,
             .working_set_bytes = is_gemm ? std::nullopt : std::optional(working_set_bytes(c)),
             .name = c.definition.id,
             .subject = subject,
             .threads = {}});
    }
  }
  std::stable_sort(ceilings_.begin(), ceilings_.end(), [](const Ceiling& a, const Ceiling& b) {
    return std::tuple(a.device_kind, a.resource, a.working_set_bytes.value_or(0)) <
           std::tuple(b.device_kind, b.resource, b.working_set_bytes.value_or(0));
  });
}

void Ceilings::raise(Ceiling candidate) {
  for (Ceiling& c : ceilings_) {
    if (c.device_kind == candidate.device_kind && c.resource == candidate.resource &&
        c.working_set_bytes == candidate.working_set_bytes) {
      if (candidate.rate > c.rate) c = std::move(candidate);
      return;
    }
  }
  ceilings_.push_back(std::move(candidate));
}

const Ceiling* Ceilings::compute(const std::string& kind, const std::string& dtype) const {
  const auto it = std::find_if(ceilings_.begin(), ceilings_.end(), [&](const Ceiling& c) {
    return c.device_kind == kind && c.resource == dtype;
  });
  return it == ceilings_.end() ? nullptr : &*it;
}

const Ceiling* Ceilings::bandwidth(const std::string& kind, double bytes) const {
  const auto cache = last_level_cache_bytes_.find(kind);
  const double cache_bytes = cache == last_level_cache_bytes_.end() ? 0 : cache->second;
  const double memory_from = kCachesExceeded * cache_bytes;
  const bool in_memory = bytes >= memory_from;
  // All that is beyond the caches is one memory; where they are unknown, nothing smaller counts.
  const double least =
      in_memory && cache_bytes > 0 ? std::min(kNear * bytes, memory_from) : kNear * bytes;
  const Ceiling *best = nullptr, *largest = nullptr;
  bool near = false;
  for (const Ceiling& c : ceilings_) {
    if (c.device_kind != kind || c.resource != kBandwidth || !c.working_set_bytes) continue;
    largest = &c;  // ascending
    if (*c.working_set_bytes < least) continue;
    near = near || *c.working_set_bytes <= bytes / kNear;
    if (best == nullptr || c.rate > best->rate) best = &c;
  }
  if (near || (in_memory && best != nullptr)) return best;
  // Larger than all that was measured, which is memory too.
  const bool largest_in_memory = largest != nullptr && *largest->working_set_bytes >= memory_from;
  return in_memory && largest_in_memory ? largest : nullptr;
}

std::optional<Share> Ceilings::share(const CaseRecord& c, const std::string& device,
                                     double seconds) const {
  if (c.work.unit == RateUnit::op_per_s) return std::nullopt;  // no roof binds a start
  const std::string kind = device_kind(device);
  const Ceiling* memory = bandwidth(kind, working_set_bytes(c));
  const bool moves_only = c.work.unit == RateUnit::bytes_per_s || c.work.flop <= 0;
  if (!moves_only) {
    const Ceiling* arithmetic = compute(kind, std::string(workload::name_of(c.definition.dtype)));
    if (arithmetic == nullptr) return std::nullopt;
    const double compute_s = c.work.flop / arithmetic->rate;
    // Where the roof of its working set is unknown, the slowest memory tells whether it could bind.
    const Ceiling* binding = memory == nullptr ? slowest(kind) : memory;
    const double transfer_s = binding == nullptr ? 0 : c.work.bytes / binding->rate;
    if (compute_s >= transfer_s)
      return Share{.fraction = compute_s / seconds, .memory_bound = false, .roof = *arithmetic};
  }
  if (memory == nullptr) return std::nullopt;
  return Share{
      .fraction = c.work.bytes / memory->rate / seconds, .memory_bound = true, .roof = *memory};
}

const Ceiling* Ceilings::slowest(const std::string& kind) const {
  const Ceiling* found = nullptr;
  for (const Ceiling& c : ceilings_) {
    const bool candidate = c.device_kind == kind && c.resource == kBandwidth;
    if (candidate && (found == nullptr || c.rate < found->rate)) found = &c;
  }
  return found;
}

}  // namespace mlbench::compare
