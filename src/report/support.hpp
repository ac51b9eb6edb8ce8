#pragma once

#include "report/model.hpp"

namespace mlbench::report {

/// What each framework does, by operation and dtype, as far as it was executed: {"subjects":
/// [titles], "rows": [{"operation", "dtype", "cells": [{"state", "text", "why", "kernel",
/// "source"}]}], "untried": operations of the run's plan of which nothing was executed}. `state` is
/// the worst that was seen: "native", "slow", "fallback", "unsupported", "wrong", "crashed" ..., or
/// "none" where nothing was executed. `source` says whether cases of this run showed it or a probe.
[[nodiscard]] Json support_json(const Report& report, const store::RunData& run);

}  // namespace mlbench::report
