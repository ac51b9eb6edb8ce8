#include "kit/autorelease.hpp"
#include "kit/backend.hpp"
#include "kit/counters.hpp"
#include "kit/host_allocator.hpp"
#include "kit/measure.hpp"
#include "kit/memory.hpp"
#include "workload/digest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mlbench::kit {
namespace {

using protocol::Failure;
using protocol::FailureKind;
using protocol::Reply;
using protocol::Request;

/// The verbs of docs/protocol.md over one backend. A failed verb leaves the worker usable.
class Session {
 public:
  Session(Backend& backend, Json host_allocator)
      : backend_(backend), host_allocator_(std::move(host_allocator)) {}

  /// Answers one request; exceptions of the framework become failures.
  Reply answer(const Request& request) {
    const AutoreleasePool pool;
    Reply reply{.id = request.id, .failure = std::nullopt, .body = Json::object()};
    try {
      auto body = dispatch(request);
      if (body) {
        reply.body = *std::move(body);
      } else {
        const auto kind = body.error().kind == ErrorKind::unsupported ? FailureKind::unsupported
                                                                      : FailureKind::failed;
        reply.failure = Failure{.kind = kind, .message = body.error().message};
      }
    } catch (const std::exception& e) {
      const auto kind = backend_.is_out_of_memory(e) ? FailureKind::out_of_memory
                        : backend_.is_unsupported(e) ? FailureKind::unsupported
                                                     : FailureKind::failed;
      reply.failure = Failure{.kind = kind, .message = first_line(e.what())};
    }
    return reply;
  }

 private:
  struct Ready {
    std::unique_ptr<Kernel> kernel;
    std::string device;
  };

  static std::string first_line(std::string text) { return text.substr(0, text.find('\n')); }

  Result<Json> dispatch(const Request& r) {
    if (r.verb == "describe") return describe(r.body);
    if (r.verb == "prepare") return prepare(r.body);
    if (r.verb == "warm") return with_kernel(r.body, &Session::warm_up);
    if (r.verb == "block") return with_kernel(r.body, &Session::block);
    if (r.verb == "verify") return with_kernel(r.body, &Session::verify);
    if (r.verb == "release") return release(r.body);
    if (r.verb == "probe") return probe(r.body);
    return fail(ErrorKind::unsupported, "unknown verb \"" + r.verb + "\"");
  }

  Result<Json> describe(const Json& body) {
    const auto device = get_string(body, "device");
    if (!device) return device.error();
    auto facts = backend_.describe(*device);
    if (!facts) return facts.error();
    Json described = {{"framework", backend_.hello().worker}, {"device", *device}};
    described.update(*facts);
    if (!described.contains("host_allocator")) described["host_allocator"] = host_allocator_;
    described["sync_overhead_s"] = sync_overhead_s(backend_, *device);
    return described;
  }

  Result<Json> prepare(const Json& body) {
    const auto c = workload::case_from_json(body);
    if (!c) return c.error();
    const auto device = get_string(body, "device");
    if (!device) return device.error();
    ready_.erase(c->id);
    auto kernel = backend_.prepare(*c, *device,
                                   static_cast<std::uint64_t>(find_int(body, "seed").value_or(1)));
    if (!kernel) return kernel.error();
    Json facts = protocol::to_json((*kernel)->facts());
    facts["case"] = c->id;
    ready_[c->id] = Ready{.kernel = *std::move(kernel), .device = *device};
    return facts;
  }

  Result<Json> with_kernel(const Json& body, Result<Json> (Session::*verb)(Ready&, const Json&)) {
    const auto id = get_string(body, "case");
    if (!id) return id.error();
    const auto it = ready_.find(*id);
    if (it == ready_.end()) return fail(ErrorKind::usage, "case " + *id + " is not prepared");
    return (this->*verb)(it->second, body);
  }

  Result<Json> warm_up(Ready& ready, const Json& body) {
    WarmRule rule;
    rule.min_calls = static_cast<int>(
        std::clamp<std::int64_t>(find_int(body, "min_calls").value_or(rule.min_calls), 1, 1000000));
    rule.min_s = find_number(body, "min_s").value_or(rule.min_s);
    rule.max_s = find_number(body, "max_s").value_or(rule.max_s);
    static_cast<void>(device_spin_s(ready));  // so that its compiler does not cool the GPU later
    auto warmed = warm(*ready.kernel, rule);
    warmed.sync_overhead_s = sync_overhead_s(backend_, ready.device);
    return protocol::to_json(warmed);
  }

  Result<Json> block(Ready& ready, const Json& body) {
    const auto calls = get_int(body, "calls");
    if (!calls) return calls.error();
    const auto samples = get_int(body, "samples");
    if (!samples) return samples.error();
    constexpr std::int64_t kMost = 1000000;
    if (*calls < 1 || *calls > kMost || *samples < 1 || *samples > kMost) {
      return fail(ErrorKind::usage, "calls and samples must be between 1 and 1000000");
    }
    const auto extra =
        std::clamp<std::int64_t>(find_int(body, "extra_calls").value_or(0), 0, kMost);
    constexpr double kLongestLeadIn_s = 10;
    const double lead_in_s =
        std::clamp(find_number(body, "lead_in_s").value_or(0), 0.0, kLongestLeadIn_s);
    auto block = measure_block(*ready.kernel, static_cast<int>(*calls), static_cast<int>(*samples),
                               static_cast<int>(extra), lead_in_s);
    block.state.device_spin_s = device_spin_s(ready);
    if (find_bool(body, "submit").value_or(false)) {
      if (const auto s = ready.kernel->submit_s(static_cast<int>(*calls)))
        block.submit_s = *s / static_cast<double>(*calls);
    }
    return protocol::to_json(block);
  }

  /// After the samples: what ran before them would change the clock that they find. A compiler that
  /// does not take the program costs this check only.
  std::optional<double> device_spin_s(Ready& ready) {
    if (ready.kernel->has_invented_times() || !spins_) return std::nullopt;
    try {
      return backend_.device_spin_s(ready.device);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "the check on the GPU's clock did not run: %s\n", e.what());
      spins_ = false;
      return std::nullopt;
    }
  }

  /// "source": "fresh" runs one call first; "last" is the output of the last timed call. With
  /// "digest" the reply carries digest_of() the output in place of a file.
  Result<Json> verify(Ready& ready, const Json& body) {
    const auto path = get_string(body, "path");
    if (!path) return path.error();
    if (find_string(body, "source").value_or("fresh") == "fresh") ready.kernel->run(1);
    const auto data = ready.kernel->output();
    const protocol::Output output{.shape = data.shape, .dtype = data.dtype};
    if (find_bool(body, "digest").value_or(false)) {
      Json answer = protocol::to_json(output);
      answer["digest"] = workload::digest_of(data.bytes);
      return answer;
    }
    std::ofstream file(*path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(data.bytes.data()),
               static_cast<std::streamsize>(data.bytes.size()));
    file.close();
    if (!file) return fail(ErrorKind::io, "cannot write the output to " + *path);
    return protocol::to_json(output);
  }

  /// "allocate" and "free" are the kit's: they find memory limits. The others are the backend's.
  Result<Json> probe(const Json& body) {
    const auto what = find_string(body, "what").value_or("");
    if (what == "allocate") return allocate(body);
    if (what != "free") return backend_.probe(body);
    held_.clear();
    backend_.release_caches();
    return_freed_memory();
    return Json::object();
  }

  /// One more buffer; then all that are held are touched, which is timed.
  Result<Json> allocate(const Json& body) {
    const auto device = get_string(body, "device");
    if (!device) return device.error();
    const auto bytes = get_int(body, "bytes");
    if (!bytes) return bytes.error();
    if (*bytes < 1) return fail(ErrorKind::usage, "bytes must be positive");
    if (const auto bound = find_int(body, "bound_bytes"); bound && !bounded_) {
      bound_memory(*bound);
      bounded_ = true;
    }
    auto allocation = backend_.allocate(*device, *bytes);
    if (!allocation) return allocation.error();
    held_.push_back(*std::move(allocation));
    try {
      held_.back()->touch();  // the first touch finds pages, which is another speed
      const std::int64_t start = steady_ns();
      for (const auto& held : held_) held->touch();
      return Json{{"touch_s", static_cast<double>(steady_ns() - start) * 1e-9}};
    } catch (...) {
      held_.pop_back();
      throw;
    }
  }

  Result<Json> release(const Json& body) {
    const auto id = get_string(body, "case");
    if (!id) return id.error();
    ready_.erase(*id);
    backend_.release_caches();
    return_freed_memory();
    return Json::object();
  }

  Backend& backend_;
  Json host_allocator_;
  std::map<std::string, Ready> ready_;
  std::vector<std::unique_ptr<Allocation>> held_;  ///< Of the probe "allocate".
  bool bounded_ = false;
  bool spins_ = true;
};

/// Keeps the real stdout for the protocol and points fd 1 at stderr, so that a framework that
/// prints cannot break a message.
std::FILE* take_stdout() {
  const int fd = dup(STDOUT_FILENO);
  if (fd < 0) return nullptr;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  return fdopen(fd, "w");
}

/// One line from stdin without its newline; empty at the end of input or when it is too long to be
/// a message. FILE* rather than iostream: a read that a signal interrupts must be tried again.
std::optional<std::string> read_line() {
  std::string line;
  for (;;) {
    const int c = std::getc(stdin);
    if (c == EOF && std::ferror(stdin) != 0 && errno == EINTR) {
      std::clearerr(stdin);
      continue;
    }
    if (c == EOF || line.size() > protocol::kMaxLineBytes) return std::nullopt;
    if (c == '\n') return line;
    line.push_back(static_cast<char>(c));
  }
}

bool send(std::FILE* out, const std::string& line) {
  return std::fputs(line.c_str(), out) >= 0 && std::fputc('\n', out) != EOF &&
         std::fflush(out) == 0;
}

}  // namespace

int worker_main(std::unique_ptr<Backend> (*make)()) {
  std::FILE* out = take_stdout();
  if (out == nullptr) return exit_code(ErrorKind::io);
  prepare_process();
  const Json host_allocator = keep_freed_memory();
  const auto backend = make();
  if (!send(out, protocol::encode(backend->hello()))) return exit_code(ErrorKind::io);

  Session session(*backend, host_allocator);
  while (const auto line = read_line()) {
    const auto request = protocol::decode_request(*line);
    if (!request) {
      std::fprintf(stderr, "bad request: %s\n", request.error().message.c_str());
      return exit_code(ErrorKind::protocol);
    }
    if (request->verb == "bye") {
      send(out, protocol::encode(
                    Reply{.id = request->id, .failure = std::nullopt, .body = Json::object()}));
      return 0;
    }
    if (!send(out, protocol::encode(session.answer(*request)))) return exit_code(ErrorKind::io);
  }
  return 0;  // the orchestrator is gone
}

}  // namespace mlbench::kit
