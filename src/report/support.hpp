#pragma once

#include "report/model.hpp"

namespace mlbench::report {

/// What each framework could do, by workload and dtype: {"subjects": [titles], "rows":
/// [{"workload", "dtype", "cells": [{"state", "text"}]}]}. `state` is the worst status of the cases
/// that were tried ("ok", "unsupported", "wrong_result", ...), "slow" where a note says that there
/// is no native kernel, or "none" where nothing was tried.
[[nodiscard]] Json support_json(const Report& report);

}  // namespace mlbench::report
