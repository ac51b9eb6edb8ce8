#pragma once

#include "core/error.hpp"

namespace mlbench::cli {

// Outcomes beside those of exit_code(ErrorKind): 0 ok, 1 internal, 2 usage, 3 unsupported, 4 io or
// protocol.
inline constexpr int kExitOk = 0;
inline constexpr int kExitGateFailed = 5;  ///< compare --gate found a regression.
inline constexpr int kExitSomeCasesFailed =
    6;  ///< Finished, but a case crashed, failed, timed out or was wrong.
inline constexpr int kExitAlarm =
    6;  ///< selfcheck, or a control of a run: no verdict is to be trusted.
inline constexpr int kExitInterrupted = 130;  ///< As a shell reports SIGINT.

}  // namespace mlbench::cli
