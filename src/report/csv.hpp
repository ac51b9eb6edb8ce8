#pragma once

#include "report/model.hpp"

#include <span>
#include <string>

namespace mlbench::report {

/// One row a case and subject, with a header line (RFC 4180, UTF-8, lines end with \n). The columns
/// are stated in docs/reports.md; they may be added at the end and are never renamed. Unknown is
/// empty. Numbers have twelve digits.
[[nodiscard]] std::string to_csv(std::span<const Report> reports);

}  // namespace mlbench::report
