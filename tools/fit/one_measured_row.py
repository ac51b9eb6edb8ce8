#!/usr/bin/env python3
"""How well does one measured row of a machine predict its other rows? Each published row of a machine in turn corrects
the constants' predictions for that machine by measured / predicted, as `mlbench fit` does after a run of its own, and
predicts the machine's other rows: other weights, other models, other contexts.

    tools/fit/one_measured_row.py

Where there are rows of enough other machines, the constants are fitted without those of that chip; where not, it says
so. Errors are |predicted / measured - 1|. Plain Python, no packages.
"""
from fit_constants import (MODELS, decode_features, decode_time, errors_of, fit_prefill, is_quantised, is_two_dies,
                           least_squares, predicted, prefill_share, rows_of)


def machine(row):
    return row["chip"], row["gpu_cores"]


def others_by_one(rows, speed_over_prediction):
    """(measured / predicted without, and with the correction by one row) of every row by every other row of its
    machine. `speed_over_prediction(machine, rows)` gives measured / predicted of each of the machine's rows."""
    plain, corrected = [], []
    for m in sorted({machine(r) for r in rows}):
        ratios = speed_over_prediction(m, [r for r in rows if machine(r) == m])
        for base, factor in enumerate(ratios):
            plain += [r for i, r in enumerate(ratios) if i != base]
            corrected += [r / factor for i, r in enumerate(ratios) if i != base]
    return plain, corrected


def decode(rows, names, fitted_to):
    def speeds(m, mine):
        known = fitted_to(m)
        c = least_squares([decode_features(r) for r in known], [decode_time(r) for r in known], names)
        return [predicted(c, decode_features(r)) / decode_time(r) for r in mine]
    return others_by_one(rows, speeds)


def prefill(rows, fitted_to):
    def speeds(m, mine):
        entry = fit_prefill(fitted_to(m), 0.1, True)
        share = lambda r: (entry["share_quantised" if is_quantised(r) else "share_16bit"] *
                           (entry["two_die_factor"] if is_two_dies(r) else 1))
        return [prefill_share(r) / share(r) for r in mine]
    return others_by_one(rows, speeds)


def tell(what, ratios):
    for how, values in zip(("uncorrected", "by one row "), ratios):
        e = errors_of(values)
        print(f"{what}, {how}: {e['rows']} predictions, median {100 * e['median']:.1f} %, 95th percentile {100 * e['p95']:.1f} %")


def main():
    rows = rows_of("tests/data/fit/llm_speed.csv")
    llama = [r for r in rows if r["runtime"] == "llama.cpp" and "8e672ef" in r["build"]]
    elsewhere = lambda m: [r for r in llama if r["chip"] != m[0]]
    tell("llama.cpp decode, fitted to other chips", decode(llama, ["layer", "bytes"], elsewhere))
    tell("llama.cpp prefill, fitted to other chips", prefill(llama, elsewhere))
    mlx = [r for r in rows if r["runtime"] == "mlx-lm"]
    dense = [r for r in mlx if "experts" not in MODELS[r["model"]]]
    ultra = [r for r in dense if r["chip"] == "M3 Ultra"]
    held_out = [r for r in dense if r["chip"] == "M4 Max"]
    names = ["layer", "weights", "kv", "odd"]
    tell("mlx-lm decode on an M4 Max, dense, fitted to the M3 Ultra", decode(held_out, names, lambda m: ultra))
    tell("mlx-lm decode, fitted to all rows", decode(mlx, [*names, "moe"], lambda m: mlx))
    tell("mlx-lm prefill, dense, fitted to all rows", prefill(dense, lambda m: dense))


if __name__ == "__main__":
    main()
