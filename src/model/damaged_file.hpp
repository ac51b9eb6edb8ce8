#pragma once

#include "core/error.hpp"
#include "core/text.hpp"

#include <string>

/// What readers of downloaded files say of one that is not as its format wants it.
namespace mlbench::model {

[[nodiscard]] inline Error damaged(const std::string& what) {
  return fail(ErrorKind::usage, what + "; fetch the file again");
}

/// A name from the file in a sentence.
[[nodiscard]] inline std::string quoted(const std::string& name) {
  return "\"" + shown(name, 80) + "\"";
}

}  // namespace mlbench::model
