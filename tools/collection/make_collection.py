#!/usr/bin/env python3
"""Writes journals with made-up samples, to see how long a large collection takes to report.

tools/collection/make_collection.py DIR [--runs 100] [--cases 100] [--samples 100]

Every run has one machine, two subjects (PyTorch and MLX) and `--cases` cases; `--samples` are the
samples of one case, over both subjects, six rounds and two rows. 100 runs of 100 cases with 100 samples
are 10,000 cases with about 1,000,000 samples.
"""
import argparse
import json
import pathlib
import random

CHIPS = [("Apple M1", 8, 16), ("Apple M2 Pro", 19, 32), ("Apple M3 Max", 40, 64), ("Apple M4", 10, 24),
         ("Apple M4 Pro", 20, 48), ("Apple M5", 10, 24), ("Apple M5 Max", 40, 128)]
SUBJECTS = [("torch:mps", "torch", "mps", "2.13.0"), ("mlx:gpu", "mlx", "gpu", "0.32.4")]
ROUNDS, ROWS = 6, 2


def write_run(path, index, cases, samples, rng):
    chip, cores, gib = CHIPS[index % len(CHIPS)]
    lines = [{"type": "run", "schema": "mlbench.journal/1", "mlbench_version": "0.1.0", "method_version": 1,
              "started": f"2026-{1 + index % 12:02}-{1 + index % 28:02}T12:00:00Z",
              "machine": {"cpu": {"name": chip}, "gpus": [{"name": chip, "cores": cores}],
                          "memory": {"total_bytes": gib << 30}, "os": {"name": "macOS", "version": "26.2"}}}]
    for subject, framework, device, version in SUBJECTS:
        lines.append({"type": "subject", "subject": subject, "framework": framework, "device": device,
                      "status": "ok", "reason": "", "facts": {"framework_version": version, "device": device}})
    lines += [{"type": "plan"}, {"type": "pair", "a": "torch:mps", "b": "mlx:gpu", "control": False}]
    ids, base = [], {}
    for i in range(cases):
        dtype = ("float32", "float16", "bfloat16")[i % 3]
        m, n, k = 64 * (1 + i % 97), 64 * (1 + i // 97), 512 + 64 * (i % 7)
        case = f"gemm/{dtype}/m{m}_n{n}_k{k}"
        ids.append(case)
        base[case] = 2 * m * n * k / (3e11 * cores)
        lines.append({"type": "case", "case": case, "workload": "gemm", "dtype": dtype,
                      "params": {"m": m, "n": n, "k": k}, "flop": 2 * m * n * k,
                      "bytes": 4 * (m * k + n * k + m * n), "unit": "flop_per_s", "memory_bytes": 4 * m * k})
    lines.append({"type": "planned"})
    block = max(2, 1 + samples // (len(SUBJECTS) * ROUNDS * ROWS))
    for r in range(ROUNDS):
        for case in ids:
            for subject, *_ in SUBJECTS:
                lines.append({"type": "prepared", "round": r, "case": case, "subject": subject, "kernel": "k",
                              "notes": []})
                lines.append({"type": "check", "round": r, "case": case, "subject": subject, "source": "fresh",
                              "ok": True, "method": "every element against float64", "max_error": 1e-6,
                              "tolerance": 1e-5, "detail": ""})
            for row in range(ROWS):
                for subject, *_ in SUBJECTS:
                    level = base[case] * (1.05 if subject == "mlx:gpu" else 1)
                    lines.append({"type": "block", "round": r, "row": row, "position": 0, "case": case,
                                  "subject": subject, "calls": 4, "start_ns": 1,
                                  "samples_s": [level * rng.lognormvariate(0, 0.01) for _ in range(block)]})
            lines.append({"type": "slot", "round": r, "case": case, "subjects": [s[0] for s in SUBJECTS]})
        lines.append({"type": "round", "round": r, "state": {}})
    lines.append({"type": "end", "ended": "2026-01-01T12:10:00Z", "ending": "finished", "duration_s": 600})
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return len(SUBJECTS) * ROUNDS * ROWS * block * cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(options.seed)
    total = sum(write_run(options.folder / f"run-{i:04}.jsonl", i, options.cases, options.samples, rng)
                for i in range(options.runs))
    print(f"{options.runs} runs, {options.runs * options.cases} cases, {total} samples")


if __name__ == "__main__":
    main()
