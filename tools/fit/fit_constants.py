#!/usr/bin/env python3
"""Fits the constants of `mlbench fit`'s speed and peak-memory model to published rows.

    tools/fit/fit_constants.py            writes data/fit_constants.json
    tools/fit/fit_constants.py --check    exits 1 when that file is not what the rows give

The model is stated in docs/fit.md. Plain Python, no packages. Constants of one runtime and version are fitted to
that version's rows alone unless `fitted_on` says otherwise, never to a single row.
"""
import csv
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFERENCE_CLOCK_GHZ = 1.296  # time per layer is stated at this GPU clock (M1 Pro) and goes with 1 / clock
# What the newest rows of other labs and chips showed against constants fitted elsewhere: 28 of 29 dense rows lay
# between these multiples of the prediction. It is the range where the user's version is not known.
UNKNOWN_VERSION = (0.70, 1.35)
# Seven rows with mixtures of experts among them were off by 20 % (median) and 90 % (95th percentile), the worst one
# 1.95 times too fast; the low end holds that one.
UNKNOWN_VERSION_MOE = (0.50, 1.35)
LEAST_BAND = 0.12        # rows of one or two machines say little about others: no narrower range than this
LEAST_BAND_MOE = 0.25    # one mixture-of-experts model only
COVERS = {"0.30.7": ["0.29.2", "0.28"]}  # other versions among the rows of an entry
GGUF_BITS = {"F16": 16.0, "Q8_0": 8.5, "Q4_0": 4.5}


def rows_of(path):
    lines = [line for line in (ROOT / path).read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


MODELS = {m["name"]: m for m in json.loads((ROOT / "data/models.json").read_text())["models"]}
CHIPS = {(c["chip"], c["gpu_cores"]): c for c in rows_of("data/chips.csv")}
GPUS = {g["gpu"]: g for g in rows_of("data/gpus.csv")}
GPU_OF = {"NVIDIA H100 80GB": "H100 PCIe"}  # its bandwidth in the published table is the PCIe board's


def quantile(values, p):
    values = sorted(values)
    at = (len(values) - 1) * p
    low = int(at)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (at - low)


def chip_of(row):
    for (chip, cores), c in CHIPS.items():
        if chip == row["chip"] and row["gpu_cores"] in ("", cores):
            return c
    raise KeyError(row["chip"])


def read_bytes(model, quant):
    """Weight bytes that one token reads."""
    params = model["parameters_read_per_token"]
    head = model["vocab"] * model["hidden"]
    if quant == "bf16":
        return params * 2.0
    if quant.startswith("mlx-q"):  # affine, groups of 64 with a 16-bit scale and bias
        return params * (int(quant[5:]) + 0.5) / 8
    if quant == "Q4_0":  # the output matrix is Q6_K
        return (params - head) * 4.5 / 8 + head * 6.5625 / 8
    if quant == "MXFP4":  # experts 4.25 bits, all else Q8_0
        experts = expert_params_read(model)
        return experts * 4.25 / 8 + (params - experts) * 8.5 / 8
    return params * GGUF_BITS[quant] / 8


def expert_params_read(model):
    return model["layers"] * model["experts_per_token"] * 3 * model["hidden"] * model["moe_intermediate"]


def kv_bytes(model, tokens):
    """Keys and values of `tokens` tokens at 16 bit; sliding layers hold their window."""
    per_layer = 4 * model["kv_heads"] * model["head_dim"]
    sliding = model.get("sliding_layers", 0)
    window = min(tokens, model.get("sliding_window", tokens))
    return per_layer * ((model["layers"] - sliding) * tokens + sliding * window)


def is_power_of_two(n):
    return n & (n - 1) == 0


def decode_features(row):
    model, chip = MODELS[row["model"]], chip_of(row)
    bandwidth = float(chip["bandwidth_gb_per_s"]) * 1e9
    layers = model["layers"] * REFERENCE_CLOCK_GHZ / float(chip["clock_ghz"])
    kv = kv_bytes(model, int(row["depth"]) + int(row["tg_tokens"]) / 2) / bandwidth
    weights = read_bytes(model, row["quant"]) / bandwidth
    odd = not is_power_of_two(model["heads"] // model["kv_heads"])
    moe = layers if "experts" in model else 0.0
    return {"layer": layers, "moe": moe, "weights": weights, "kv": kv, "odd": kv if odd else 0.0,
            "bytes": weights + kv}


def decode_time(row):
    return 1 / float(row["tg_tps"])


def solve(matrix):
    """Gauss-Jordan on [A | b] in place."""
    n = len(matrix)
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(matrix[r][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        for r in range(n):
            if r != i:
                factor = matrix[r][i] / matrix[i][i]
                matrix[r] = [a - factor * b for a, b in zip(matrix[r], matrix[i])]
    return [matrix[i][n] / matrix[i][i] for i in range(n)]


def least_squares(features, times, names):
    """Coefficients that minimise the sum of squared relative errors of the time."""
    matrix = [[sum(f[a] * f[b] / t / t for f, t in zip(features, times)) for b in names] +
              [sum(f[a] / t for f, t in zip(features, times))] for a in names]
    return dict(zip(names, solve(matrix)))


def predicted(coefficients, features):
    return sum(value * features[name] for name, value in coefficients.items())


def ratios(coefficients, features, times):
    """measured speed / predicted speed."""
    return [predicted(coefficients, f) / t for f, t in zip(features, times)]


def errors_of(values):
    """|predicted / measured - 1| from measured / predicted."""
    errors = [abs(1 / r - 1) for r in values]
    return {"rows": len(errors), "median": round(quantile(errors, 0.5), 4), "p95": round(quantile(errors, 0.95), 4)}


def band(values, least, outside=0.05):
    """A range that leaves `outside` of `values` out at each end, and a quarter wider, because constants flatter the rows
    they come from."""
    low = 1 + 1.25 * min(0.0, quantile(values, outside) - 1)
    high = 1 + 1.25 * max(0.0, quantile(values, 1 - outside) - 1)
    return {"low": round(min(low, 1 - least), 3), "high": round(max(high, 1 + least), 3)}


def fit_decode(rows, names, group):
    """Coefficients, errors on the rows, and measured/predicted of each group of rows left out in turn."""
    features, times = [decode_features(r) for r in rows], [decode_time(r) for r in rows]
    coefficients = least_squares(features, times, names)
    held_out = []
    for left_out in sorted({group(r) for r in rows}):
        keep = [i for i, r in enumerate(rows) if group(r) != left_out]
        drop = [i for i, r in enumerate(rows) if group(r) == left_out]
        try:
            c = least_squares([features[i] for i in keep], [times[i] for i in keep], names)
        except ZeroDivisionError:  # the rest cannot tell the terms apart
            continue
        held_out += ratios(c, [features[i] for i in drop], [times[i] for i in drop])
    return coefficients, ratios(coefficients, features, times), held_out


def seconds(value):
    return float(f"{value:.4g}")


def matmul_flop_per_token(model):
    """2 FLOP for each weight that a prompt's token passes through (the output matrix sees the last token only)."""
    head = model["vocab"] * model["hidden"]
    return 2.0 * (model["parameters_read_per_token"] - head)


def prefill_share(row):
    """FLOP/s of the prompt over the chip's float32 peak (NVIDIA: dense float16 matrix peak)."""
    model, tokens = MODELS[row["model"]], int(row["pp_tokens"])
    # Causal attention: token n meets n/2 others on average, 4 FLOP an element (scores, then values).
    full = model["layers"] - model.get("sliding_layers", 0)
    window = min(tokens / 2, model.get("sliding_window", tokens))
    attended = full * tokens / 2 + (model["layers"] - full) * window
    attention = 4.0 * attended * model["heads"] * model["head_dim"]
    flop_per_s = (matmul_flop_per_token(model) + attention) * float(row["pp_tps"])
    return flop_per_s / peak_flop_per_s(row)


def peak_flop_per_s(row):
    if row["chip"].startswith("NVIDIA"):
        return float(gpu_of(row)["float16_tflop_per_s"]) * 1e12
    chip = chip_of(row)
    return int(chip["gpu_cores"]) * 256 * float(chip["clock_ghz"]) * 1e9


def gpu_of(row):
    return GPUS.get(GPU_OF.get(row["chip"], row["chip"].removeprefix("NVIDIA ")))


def is_two_dies(row):
    return "Ultra" in row["chip"]


def is_quantised(row):
    return row["quant"] not in ("F16", "bf16")


def fit_prefill(rows, least, two_dies):
    """One share for 16-bit and one for quantised weights, and what a second die keeps of it (medians)."""
    one = [r for r in rows if not (two_dies and is_two_dies(r))]
    dense = [prefill_share(r) for r in one if not is_quantised(r)]
    quantised = quantile([prefill_share(r) for r in one if is_quantised(r)], 0.5)
    # One or two rows are no basis for a constant of their own.
    dense = quantile(dense, 0.5) if len(dense) > 2 else quantised
    share = lambda r: quantised if is_quantised(r) else dense
    two = [prefill_share(r) / share(r) for r in rows if two_dies and is_two_dies(r)]
    factor = quantile(two, 0.5) if two else 1.0
    values = [prefill_share(r) / share(r) / (factor if two_dies and is_two_dies(r) else 1) for r in rows]
    return {"share_16bit": round(dense, 3), "share_quantised": round(quantised, 3),
            "two_die_factor": round(factor, 3), **band(values, least), "errors": errors_of(values)}


def fit_peak(rows):
    """Peak memory beyond weights, KV cache and activations: a constant, and a share of the KV cache."""
    features, rest = [], []
    for row in rows:
        model = MODELS[row["model"]]
        bits = 16 if row["quant"] == "bf16" else int(row["quant"][5:]) + 0.5
        kv = kv_bytes(model, int(row["depth"]) + int(row["tg_tokens"]))
        known = model["parameters"] * bits / 8 + kv + activation_bytes(model, min(2048, int(row["pp_tokens"])))
        features.append({"one": 1.0, "kv": kv})
        rest.append(float(row["peak_mem_gb"]) * 1e9 - known)
    matrix = [[sum(f[a] * f[b] for f in features) for b in ("one", "kv")] +
              [sum(f[a] * t for f, t in zip(features, rest))] for a in ("one", "kv")]
    constant, share = solve(matrix)
    values = []
    for row, f, t in zip(rows, features, rest):
        peak = float(row["peak_mem_gb"]) * 1e9
        values.append(peak / (peak - t + constant + share * f["kv"]))
    return {"overhead_bytes": int(round(constant, -6)), "kv_share": round(share, 4), "errors": errors_of(values)}


def activation_bytes(model, tokens):
    """The tensors of one layer that live together while a prompt chunk passes, at 16 bit; as src/fit/memory.cpp."""
    widest = model["experts_per_token"] * model["moe_intermediate"] if model.get("moe_intermediate") else model["intermediate"]
    attention = (model["heads"] + 2 * model["kv_heads"]) * model["head_dim"]
    return tokens * 2 * (2 * model["hidden"] + max(attention, 2 * widest))


def entry(runtime, version, device, fitted_on, decode, prefill, peak=None):
    return {"runtime": runtime, "version": version, "covers": COVERS.get(version, []), "device": device, "fitted_on": fitted_on, "decode": decode,
            "prefill": prefill, "peak": peak}


def decode_entry(coefficients, values, held_out, least, **more):
    c = coefficients
    kv = c.get("kv", c.get("bytes", c.get("weights")))
    return {"layer_s": seconds(c["layer"]), "moe_layer_s": seconds(c.get("moe", 0.0)),
            "bandwidth_share": round(1 / c.get("weights", c.get("bytes")), 4), "kv_share": round(1 / kv, 4),
            "odd_group_kv_factor": round(1 + c.get("odd", 0.0) / kv, 3), **band(held_out or values, least),
            **more, "errors": errors_of(values), "held_out": errors_of(held_out) if held_out else None}


def llama_cpp_2023(rows):
    c, values, held_out = fit_decode(rows, ["layer", "bytes"], lambda r: r["chip"])
    return c, entry("llama.cpp", "8e672ef", "apple",
                    "Llama-2-7B in F16, Q8_0 and Q4_0 on 16 chips M1 to M5 Pro, November 2023 build (llama.cpp "
                    "discussion 4167); decode without a long context, so the KV cache's share is taken as the weights'; "
                    "held_out leaves one chip name out at a time",
                    decode_entry(c, values, held_out, 0.05, low_moe=1 - LEAST_BAND_MOE, high_moe=1 + LEAST_BAND_MOE),
                    fit_prefill(rows, 0.10, True))


def prefill_of_experts(rows, dense):
    """Dense constants as given, and what mixture-of-experts rows reach of them (median)."""
    base = lambda r: dense["share_quantised"] * (dense["two_die_factor"] if is_two_dies(r) else 1)
    shares = [prefill_share(r) / base(r) for r in rows]
    factor = quantile(shares, 0.5)
    values = [s / factor for s in shares]
    return {**dense, "moe_factor": round(factor, 3), "low": UNKNOWN_VERSION[0], "high": UNKNOWN_VERSION[1],
            "errors": errors_of(values)}


def llama_cpp_2025(rows, dense, dense_prefill):
    """Only mixture-of-experts rows exist: the dense constants are the older build's, the experts' time is fitted."""
    features = [decode_features(r) for r in rows]
    rest = [(decode_time(r) - dense["layer"] * f["layer"] - dense["bytes"] * f["bytes"]) / decode_time(r)
            for r, f in zip(rows, features)]
    scale = [f["moe"] / decode_time(r) for r, f in zip(rows, features)]
    moe = max(0.0, sum(a * b for a, b in zip(rest, scale)) / sum(b * b for b in scale))
    c = {**dense, "moe": moe}
    values = ratios(c, features, [decode_time(r) for r in rows])
    return entry("llama.cpp", "2025-08", "apple",
                 "gpt-oss in MXFP4 on 5 chips (llama.cpp discussion 15396) for the experts' time per layer; dense "
                 "constants are those of 8e672ef, which newer builds beat, hence the wide range",
                 {**decode_entry(c, values, None, 0.0),
                  "low": UNKNOWN_VERSION[0], "high": UNKNOWN_VERSION[1],
                  "low_moe": 1 - LEAST_BAND_MOE, "high_moe": 1 + LEAST_BAND_MOE},
                 prefill_of_experts([r for r in rows if r["pp_tps"]], dense_prefill))


def mlx_lm(rows):
    c, values, _ = fit_decode(rows, ["layer", "weights", "kv", "odd", "moe"], lambda r: "")
    dense = [r for r in rows if "experts" not in MODELS[r["model"]]]
    prefill = fit_prefill(dense, 0.12, False)
    moe = [prefill_share(r) for r in rows if r not in dense]
    prefill["moe_factor"] = round(quantile(moe, 0.5) / prefill["share_quantised"], 3)
    prefill["neural_accelerator_factor"] = [2.5, 3.6]
    return entry("mlx-lm", "0.30.7", "apple",
                 "Llama-3.1-8B and Qwen2.5-14B at 2 to 8 bit and contexts to 131072 on one M3 Ultra (mlx 0.30.7, "
                 "guruswami-ai/mlx-benchmarks @2e44a7c); Qwen3-4B and Qwen3-30B-A3B on one M4 Max (mlx 0.29.2, mlx-lm "
                 "BENCHMARKS.md @d78bf58e). The experts' time rests on one model, the slower attention of 5 or 7 query "
                 "heads a KV head on one; no other machine was left to hold out",
                 decode_entry(c, values, None, LEAST_BAND, low_moe=1 - LEAST_BAND_MOE, high_moe=1 + LEAST_BAND_MOE),
                 prefill, fit_peak(rows))


def cuda_share(row):
    """Share of the bandwidth roof."""
    model = MODELS[row["model"]]
    data = read_bytes(model, row["quant"]) + kv_bytes(model, int(row["depth"]) + int(row["tg_tokens"]) / 2)
    return data * float(row["tg_tps"]) / (float(gpu_of(row)["bandwidth_gb_per_s"]) * 1e9)


def llama_cpp_cuda(rows):
    """One model and quantisation on many cards: a share of the roof, its median and its spread."""
    shares = [cuda_share(r) for r in rows]
    middle = quantile(shares, 0.5)
    values = [s / middle for s in shares]
    decode = {"layer_s": 0.0, "moe_layer_s": 0.0, "bandwidth_share": round(middle, 4), "kv_share": round(middle, 4),
              "odd_group_kv_factor": 1.0, **band(values, 0.2, 0.0), "errors": errors_of(values), "held_out": None}
    return entry("llama.cpp", "cuda-2025", "cuda",
                 "Llama-2-7B in Q4_0 on 14 NVIDIA cards (llama.cpp discussion 15013): no single share of bandwidth fits "
                 "them all, so the range is wide", decode, fit_prefill(rows, 0.3, False))


def any_runtime(rows, cuda):
    """For runtimes and devices without rows: the spread of all others over the roof."""
    shares = [decode_features(r)["bytes"] * float(r["tg_tps"]) for r in rows if "experts" not in MODELS[r["model"]]]
    shares += [cuda_share(r) for r in cuda]
    middle = quantile(shares, 0.5)
    decode = {"layer_s": 0.0, "moe_layer_s": 0.0, "bandwidth_share": round(middle, 4), "kv_share": round(middle, 4),
              "odd_group_kv_factor": 1.0, "low": round(min(shares) / middle, 3),
              "high": round(max(shares) / middle, 3),
              "errors": errors_of([s / middle for s in shares]), "held_out": None}
    dense = [r for r in rows if "experts" not in MODELS[r["model"]]]
    return entry("any", "", "any", "no rows of this runtime: the share of the bandwidth roof that llama.cpp and mlx-lm "
                 "reached with dense models; the range is from the worst row to the best", decode,
                 fit_prefill(dense, 0.3, False))


def document():
    rows = [r for r in rows_of("tests/data/fit/llm_speed.csv")]
    of = lambda runtime, build: [r for r in rows if r["runtime"] == runtime and build in r["build"]]
    dense, old = llama_cpp_2023(of("llama.cpp", "8e672ef"))
    cuda = [r for r in of("llama.cpp CUDA", "2025") if gpu_of(r)]  # without the P40, which has no matrix units
    apple = of("llama.cpp", "8e672ef") + of("mlx-lm", "mlx")
    return {"note": "Written by tools/fit/fit_constants.py from tests/data/fit/llm_speed.csv; docs/fit.md states the model. "
                    "The last entry of a runtime and device is the newest. low and high multiply the prediction.",
            "reference_clock_ghz": REFERENCE_CLOCK_GHZ,
            "unknown_version": {"low": UNKNOWN_VERSION[0], "high": UNKNOWN_VERSION[1],
                                "low_moe": UNKNOWN_VERSION_MOE[0], "high_moe": UNKNOWN_VERSION_MOE[1]},
            "runtimes": [old, llama_cpp_2025(of("llama.cpp", "2025-08"), dense, old["prefill"]), mlx_lm(of("mlx-lm", "mlx")),
                         llama_cpp_cuda(cuda), any_runtime(apple, cuda)]}


def main():
    path = ROOT / "data/fit_constants.json"
    text = json.dumps(document(), indent=1) + "\n"
    if "--check" in sys.argv[1:]:
        same = path.read_text() == text
        print("data/fit_constants.json " + ("is what the rows give" if same else "is out of date: run tools/fit/fit_constants.py"))
        return 0 if same else 1
    path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
