#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mlbench {

/// What the caller can do about an error; also chooses the process exit code (see exit_code()).
enum class ErrorKind {
  usage,        ///< The command line or config is wrong. The user can fix it.
  unsupported,  ///< This machine, framework or dtype cannot do what was asked. Not a bug.
  io,           ///< A file, pipe or process failed.
  protocol,     ///< A worker sent something the protocol does not allow.
  internal,     ///< A bug in this program.
};

/// JSON spelling of `kind`, e.g. "unsupported".
[[nodiscard]] constexpr std::string_view name_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::io: return "io";
    case ErrorKind::protocol: return "protocol";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

/// 0 is success. 1 internal, 2 usage, 3 unsupported, 4 io or protocol. (5 gate failed, 6 finished
/// but some case failed and 130 interrupted are outcomes, not errors: see cli/exit_codes.hpp.)
[[nodiscard]] constexpr int exit_code(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage: return 2;
    case ErrorKind::unsupported: return 3;
    case ErrorKind::io:
    case ErrorKind::protocol: return 4;
    case ErrorKind::internal: return 1;
  }
  return 1;
}

/// An expected failure: a kind for the program and one sentence for the person, which names the
/// file, field or device and the cure.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;

  /// This error with `outer` in front: "config.yaml: line 3: expected a number".
  [[nodiscard]] Error in(std::string_view outer) && {
    message.insert(0, std::string(outer) + ": ");
    return std::move(*this);
  }
};

/// A value, or the reason there is none. The subset of C++23's std::expected that this project
/// uses, so that a later move to it is one alias (no package of the kind is in Debian 12).
template <class T>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose, as in std::expected: `return value;` and `return fail(...);` both work.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Reading the wrong side is a bug of the caller; std::get then throws, and main() reports it.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

  [[nodiscard]] T value_or(T other) const& { return has_value() ? **this : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or the reason for failure.
struct Done {};
using Status = Result<Done>;

/// Shorthand for `return Error{kind, message};`.
[[nodiscard]] inline Error fail(ErrorKind kind, std::string message) {
  return Error{kind, std::move(message)};
}

}  // namespace mlbench
