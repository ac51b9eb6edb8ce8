#include "protocol/message.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace mlbench::protocol {
namespace {

constexpr std::array<std::string_view, 3> kFailureNames = {"unsupported", "out_of_memory",
                                                           "failed"};
constexpr double kMostElements = 1e15;  // exact as a double and far beyond any memory

/// `envelope` followed by the verb's own fields; those of the envelope win.
std::string with_body(Json envelope, const Json& body) {
  for (const auto& [key, value] : body.items()) {
    if (!envelope.contains(key)) envelope[key] = value;
  }
  return dump_json(envelope);
}

Result<Json> parse_object(std::string_view line) {
  if (line.size() > kMaxLineBytes) return fail(ErrorKind::protocol, "line longer than 16 MiB");
  auto json = parse_json(line);
  if (json && !json->is_object())
    return fail(ErrorKind::protocol, "a message must be a JSON object");
  return json;
}

Status check_samples(const std::vector<double>& samples_s) {
  for (const double s : samples_s) {
    if (s < 0) return fail(ErrorKind::protocol, "field \"samples_s\" holds a negative time");
  }
  return Done{};
}

}  // namespace

std::string_view name_of(FailureKind kind) noexcept {
  return kFailureNames[static_cast<std::size_t>(kind)];
}

std::string encode(const Hello& h) {
  return dump_json({{"type", "hello"},
                    {"protocol", h.protocol},
                    {"worker", h.worker},
                    {"framework_version", h.framework_version},
                    {"devices", h.devices},
                    {"workloads", h.workloads},
                    {"variants", h.variants}});
}

std::string encode(const Request& r) {
  return with_body({{"id", r.id}, {"verb", r.verb}}, r.body);
}

std::string encode(const Reply& r) {
  Json envelope = {{"id", r.id}, {"ok", !r.failure.has_value()}};
  if (r.failure)
    envelope["error"] = {{"kind", name_of(r.failure->kind)}, {"message", r.failure->message}};
  return with_body(std::move(envelope), r.body);
}

Result<Hello> decode_hello(std::string_view line) {
  const auto json = parse_object(line);
  if (!json) return json.error();
  if (find_string(*json, "type") != "hello") {
    return fail(ErrorKind::protocol, "the first line must be a message of type \"hello\"");
  }
  const auto version = get_int(*json, "protocol");
  if (!version) return version.error();
  if (*version < 0 || *version > std::numeric_limits<int>::max())
    return fail(ErrorKind::protocol, "field \"protocol\" is not a version");
  const auto worker = get_string(*json, "worker");
  if (!worker) return worker.error();
  return Hello{.protocol = static_cast<int>(*version),
               .worker = *worker,
               .framework_version = find_string(*json, "framework_version").value_or(""),
               .devices = find_strings(*json, "devices"),
               .workloads = find_strings(*json, "workloads"),
               .variants = find_strings(*json, "variants")};
}

Result<Request> decode_request(std::string_view line) {
  auto json = parse_object(line);
  if (!json) return json.error();
  const auto id = get_int(*json, "id");
  if (!id) return id.error();
  const auto verb = get_string(*json, "verb");
  if (!verb) return verb.error();
  return Request{.id = *id, .verb = *verb, .body = *std::move(json)};
}

Result<Reply> decode_reply(std::string_view line) {
  auto json = parse_object(line);
  if (!json) return json.error();
  const auto id = get_int(*json, "id");
  if (!id) return id.error();
  const auto ok = get_bool(*json, "ok");
  if (!ok) return ok.error();
  Reply reply{.id = *id, .failure = std::nullopt, .body = *std::move(json)};
  if (*ok) {
    for (const char* envelope : {"id", "ok"}) reply.body.erase(envelope);
    return reply;
  }
  const auto error = reply.body.find("error");
  if (error == reply.body.end())
    return fail(ErrorKind::protocol, "field \"error\" is missing: expected an object");
  const auto kind = get_string(*error, "kind");
  if (!kind) return kind.error();
  Failure failure{.kind = FailureKind::failed,
                  .message = find_string(*error, "message").value_or("no reason given")};
  for (std::size_t i = 0; i < kFailureNames.size(); ++i) {
    if (kFailureNames[i] == *kind) failure.kind = static_cast<FailureKind>(i);
  }
  reply.failure = std::move(failure);
  return reply;
}

Json to_json(const Prepared& p) {
  Json json = {{"kernel", p.kernel}, {"notes", p.notes}};
  if (p.weight_bytes) json["weight_bytes"] = *p.weight_bytes;
  if (!p.fallback.empty()) json["fallback"] = p.fallback;
  return json;
}

Json to_json(const Warmed& w) {
  return {{"first_call_s", w.first_call_s},
          {"samples_s", w.samples_s},
          {"settled", w.settled},
          {"sync_overhead_s", w.sync_overhead_s}};
}

Json to_json(const Block& b) {
  Json json = {{"samples_s", b.samples_s},
               {"start_ns", b.state.start_ns},
               {"process_cpu_s", to_json_or_null(b.state.process_cpu_s)},
               {"thread_cpu_s", to_json_or_null(b.state.thread_cpu_s)},
               {"involuntary_switches", to_json_or_null(b.state.involuntary_switches)},
               {"minor_faults", to_json_or_null(b.state.minor_faults)},
               {"cpu", to_json_or_null(b.state.cpu)},
               {"spin_s", to_json_or_null(b.state.spin_s)}};
  if (!b.token_times_s.empty()) json["token_times_s"] = b.token_times_s;
  if (!b.lead_in_samples_s.empty()) json["lead_in_samples_s"] = b.lead_in_samples_s;
  if (b.framework_peak_bytes) json["framework_peak_bytes"] = *b.framework_peak_bytes;
  if (b.process_peak_bytes) json["process_peak_bytes"] = *b.process_peak_bytes;
  if (b.state.device_spin_s) json["device_spin_s"] = *b.state.device_spin_s;
  if (b.submit_s) json["submit_s"] = *b.submit_s;
  return json;
}

Json to_json(const Output& o) {
  return {{"shape", o.shape}, {"dtype", workload::name_of(o.dtype)}};
}

Result<Prepared> prepared_from_json(const Json& body) {
  return Prepared{.kernel = find_string(body, "kernel").value_or(""),
                  .notes = find_strings(body, "notes"),
                  .weight_bytes = find_int(body, "weight_bytes"),
                  .fallback = find_strings(body, "fallback")};
}

Result<Warmed> warmed_from_json(const Json& body) {
  const auto first = get_number(body, "first_call_s");
  if (!first) return first.error();
  if (*first < 0) return fail(ErrorKind::protocol, "field \"first_call_s\" is a negative time");
  auto samples = get_numbers(body, "samples_s");
  if (!samples) return samples.error();
  if (auto valid = check_samples(*samples); !valid) return valid.error();
  return Warmed{.first_call_s = *first,
                .samples_s = *std::move(samples),
                .settled = find_bool(body, "settled").value_or(false),
                .sync_overhead_s = find_number(body, "sync_overhead_s").value_or(0)};
}

Result<Block> block_from_json(const Json& body) {
  auto samples = get_numbers(body, "samples_s");
  if (!samples) return samples.error();
  if (auto valid = check_samples(*samples); !valid) return valid.error();
  Block block{.samples_s = *std::move(samples), .state = {}};
  block.state.start_ns = find_int(body, "start_ns").value_or(0);
  block.state.process_cpu_s = find_number(body, "process_cpu_s");
  block.state.thread_cpu_s = find_number(body, "thread_cpu_s");
  block.state.involuntary_switches = find_int(body, "involuntary_switches");
  block.state.minor_faults = find_int(body, "minor_faults");
  block.state.cpu = find_int(body, "cpu");
  block.state.spin_s = find_number(body, "spin_s");
  block.state.device_spin_s = find_number(body, "device_spin_s");
  if (body.contains("token_times_s")) {
    auto times = get_numbers(body, "token_times_s");
    if (!times) return times.error();
    if (auto valid = check_samples(*times); !valid) return valid.error();
    block.token_times_s = *std::move(times);
  }
  if (body.contains("lead_in_samples_s")) {
    auto times = get_numbers(body, "lead_in_samples_s");
    if (!times) return times.error();
    if (auto valid = check_samples(*times); !valid) return valid.error();
    block.lead_in_samples_s = *std::move(times);
  }
  block.framework_peak_bytes = find_int(body, "framework_peak_bytes");
  block.process_peak_bytes = find_int(body, "process_peak_bytes");
  block.submit_s = find_number(body, "submit_s");
  return block;
}

Result<Output> output_from_json(const Json& body) {
  const auto shape = get_numbers(body, "shape");
  if (!shape) return shape.error();
  const auto dtype_name = get_string(body, "dtype");
  if (!dtype_name) return dtype_name.error();
  const auto dtype = workload::parse_dtype(*dtype_name);
  if (!dtype)
    return fail(ErrorKind::protocol, "field \"dtype\" is not a dtype: \"" + *dtype_name + "\"");
  Output output{.shape = {}, .dtype = *dtype};
  for (const double d : *shape) {
    if (d < 0 || d > kMostElements || d != std::floor(d))
      return fail(ErrorKind::protocol, "field \"shape\" holds what cannot be an extent");
    output.shape.push_back(static_cast<std::int64_t>(d));
  }
  return output;
}

}  // namespace mlbench::protocol
