#!/usr/bin/env python3
"""Does mlbench time what the frameworks' own Python tools time?

Times the same products, attention and operations through our workers and through the framework's own Python
API, blocks interleaved in one run, and prints the ratio of the rates with its interval over process pairs. A benchmark,
not a test: nothing passes or fails here. Run it on a quiet machine, after ./mlbench setup:

    .venv/bin/python tools/fidelity/fidelity.py [--pairs 8] [--blocks 10]

torch's products are timed by torch.utils.benchmark.Timer, its other operations by timeit, and its overhead at n = 16 against a Timer in C++ (which needs a
compiler). MLX has no timer of its own, so a plain Python loop with mx.eval is used; it runs in a process of its
own with OpenBLAS preloaded, because the Linux wheel's own BLAS is a reference one and our worker links OpenBLAS.
"""
import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
import timeit
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
T_975 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 11: 2.201,
         14: 2.145, 19: 2.093, 29: 2.045}  # Student's t, 97.5 %, by degrees of freedom
GEMMS = [(256, "float32"), (1024, "float32"), (256, "bfloat16"), (1024, "bfloat16")]
ATTENTION = {"batch": 1, "heads": 8, "kv_heads": 8, "length": 256, "dim": 64}
PLANE = {"rows": 1024, "columns": 1024}
OPERATIONS = {  # workload: its params; what Python calls is in torch_calls() and mlx_calls()
    "attention_unfused": ATTENTION, "attention": ATTENTION, "attention_causal": ATTENTION,
    "softmax": PLANE, "rms_norm": PLANE, "layer_norm": PLANE, "gelu": PLANE, "silu": PLANE, "sum_rows": PLANE, "sort": PLANE,
    "gather": PLANE, "concat": PLANE, "linear": {"m": 128, "n": 512, "k": 512},
    "conv2d": {"batch": 1, "height": 32, "width": 32, "channels": 32, "filters": 32, "kernel": 3},
    "embedding": {"tokens": 1024, "vocabulary": 8192, "dim": 256}}
BLOCK_S = 0.05


def gemm(n, dtype):
    return {"workload": "gemm", "dtype": dtype, "params": {"m": n, "n": n, "k": n}}


def operation(name):
    return {"workload": name, "dtype": "float32", "params": OPERATIONS[name]}


def label(case):
    return f"{case['workload']} {case['dtype']}" + (f" {case['params']['n']}" if case["workload"] == "gemm" else "")


class Lines:
    """A child that answers one JSON line with one JSON line, and is stopped in between as in a run: threads of its
    BLAS would spin on beside the other side."""

    def __init__(self, argv, env=None):
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)

    def ask(self, message):
        self.child.send_signal(signal.SIGCONT)
        self.child.stdin.write(json.dumps(message) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        self.child.send_signal(signal.SIGSTOP)
        return answer

    def close(self):
        self.child.send_signal(signal.SIGCONT)
        self.child.stdin.close()
        self.child.wait()


class Ours:
    """One of our workers, through the protocol of docs/protocol.md."""

    def __init__(self, framework, case):
        self.lines = Lines([str(find_worker(framework))])
        self.hello = json.loads(self.lines.child.stdout.readline())
        blas = self.call("describe", device="cpu")["blas"]
        self.blas_core = blas["core"] if blas["library"] == "OpenBLAS" else None
        self.case = self.call("prepare", **case, device="cpu", seed=1)["case"]

    def call(self, verb, **fields):
        reply = self.lines.ask({"id": 1, "verb": verb, **fields})
        if not reply["ok"]:
            raise RuntimeError(f"{verb}: {reply['error']['message']}")
        return reply

    def warm(self):
        return statistics.median(self.call("warm", case=self.case, min_s=0.3, max_s=3)["samples_s"][-10:])

    def block(self, calls, samples):
        return self.call("block", case=self.case, calls=calls, samples=samples)["samples_s"][1:]

    def close(self):
        self.lines.close()


class Theirs:
    """The framework's own Python API, in a process of its own: this file with --serve."""

    def __init__(self, framework, case, blas_core=None):
        env = dict(os.environ)
        if blas_core:  # the kernels that our worker asked OpenBLAS for
            env["OPENBLAS_CORETYPE"] = blas_core
        env.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_="2147483647")  # as our workers set glibc
        if framework == "mlx" and sys.platform == "linux":
            env["LD_PRELOAD"] = "libopenblas.so.0"
        self.lines = Lines([sys.executable, __file__, "--serve", framework, json.dumps(case)], env)
        self.call_s = self.lines.ask({"warm": True})

    def block(self, calls, samples):
        return self.lines.ask({"calls": calls, "samples": samples})

    def close(self):
        self.lines.close()


def find_worker(framework):
    for folder in [ROOT / "build" / "release" / "bin", ROOT / "build" / "ci" / "bin"]:
        worker = folder / f"mlbench-worker-{framework}"
        if worker.exists():
            return worker
    sys.exit(f"mlbench-worker-{framework} is not built: run ./mlbench setup")


def inputs(case, make, whole):
    """Random inputs of a case by name, as the framework makes them; layouts are the framework's own."""
    w, p = case["workload"], case["params"]
    if w == "gemm" or w == "linear":
        return {"x": make(p["m"], p["k"]), "w": make(p["n"], p["k"]), "b": make(p["n"])}
    if w.startswith("attention"):
        return {n: make(p["batch"], p["heads"], p["length"], p["dim"]) for n in "qkv"}
    if w == "conv2d":
        return {"x": make(p["batch"], p["height"], p["width"], p["channels"]),
                "w": make(p["filters"], p["kernel"], p["kernel"], p["channels"])}
    if w == "embedding":
        return {"x": make(p["vocabulary"], p["dim"]), "i": whole(p["vocabulary"], p["tokens"])}
    return {"x": make(p["rows"], p["columns"]), "y": make(p["rows"], p["columns"]), "w": make(p["columns"]),
            "b": make(p["columns"]), "i": whole(p["columns"], p["rows"], p["columns"])}


TORCH_CALLS = {
    "gemm": "F.linear(x, w)", "linear": "F.linear(x, w, b)", "softmax": "torch.softmax(x, -1)",
    "attention_unfused": "torch.softmax((q * s) @ k.transpose(-1, -2), -1) @ v",
    "attention": "F.scaled_dot_product_attention(q, k, v)",
    "attention_causal": "F.scaled_dot_product_attention(q, k, v, is_causal=True)",
    "rms_norm": "F.rms_norm(x, w.shape, w, 1e-5)", "layer_norm": "F.layer_norm(x, w.shape, w, b, 1e-5)",
    "gelu": "F.gelu(x)", "silu": "F.silu(x)", "sum_rows": "torch.sum(x, 1)", "sort": "torch.sort(x, -1)",
    "gather": "torch.gather(x, 1, i)", "concat": "torch.cat([x, y], 1)", "conv2d": "F.conv2d(x, w, padding=1)",
    "embedding": "F.embedding(i, x)"}

MLX_CALLS = {
    "gemm": "x @ w.T", "linear": "mx.addmm(b, x, w.T)", "softmax": "mx.softmax(x, -1)",
    "attention_unfused": "mx.softmax((q * s) @ mx.swapaxes(k, -1, -2), -1) @ v",
    "attention": "mx.fast.scaled_dot_product_attention(q, k, v, scale=s)",
    "attention_causal": "mx.fast.scaled_dot_product_attention(q, k, v, scale=s, mask='causal')",
    "rms_norm": "mx.fast.rms_norm(x, w, 1e-5)", "layer_norm": "mx.fast.layer_norm(x, w, b, 1e-5)",
    "gelu": "nn.gelu(x)", "silu": "nn.silu(x)", "sum_rows": "mx.sum(x, 1)", "sort": "mx.sort(x, -1)",
    "gather": "mx.take_along_axis(x, i, 1)", "concat": "mx.concatenate([x, y], 1)", "conv2d": "mx.conv2d(x, w, 1, 1)",
    "embedding": "mx.take(x, i, 0)"}


def scale(case):
    return 1 / math.sqrt(case["params"].get("dim", 1))


def torch_sampler(case):
    import torch
    import torch.utils.benchmark as bench
    dtype = getattr(torch, case["dtype"])
    names = inputs(case, lambda *shape: torch.rand(*shape).mul_(2).sub_(1).to(dtype),
                   lambda n, *shape: torch.randint(n, shape))
    if case["workload"] == "conv2d":
        names = {n: t.permute(0, 3, 1, 2) for n, t in names.items()}
    names |= {"torch": torch, "F": torch.nn.functional, "s": scale(case)}
    statement = "result = " + TORCH_CALLS[case["workload"]]  # kept until the next, as by users and by our worker
    # torch's Timer sets one thread by itself; the frameworks' own choice is what users get. It sets threads at all, and
    # that alone makes fused attention 14 % slower (MKL's products inside parallel loops), so only products are timed by it.
    if case["workload"] == "gemm":
        timer = bench.Timer(statement, globals=names, num_threads=torch.get_num_threads())
        timed = lambda calls: timer.timeit(calls).mean
    else:
        plain = timeit.Timer(statement, globals=names)
        timed = lambda calls: plain.timeit(calls) / calls

    def sample(calls):
        with torch.inference_mode():
            return timed(calls)
    return sample


def mlx_sampler(case):
    import mlx.core as mx
    import mlx.nn as nn
    mx.set_default_device(mx.cpu)
    mx.set_cache_limit(2 << 30)  # as our worker: the 32 MB default gives large outputs back every call
    dtype = getattr(mx, case["dtype"])
    names = inputs(case, lambda *shape: (mx.random.uniform(shape=shape) * 2 - 1).astype(dtype),
                   lambda n, *shape: mx.random.randint(0, n, shape).astype(mx.int32))
    mx.eval(*names.values())
    call = eval("lambda: " + MLX_CALLS[case["workload"]], names | {"mx": mx, "nn": nn, "s": scale(case)})

    def sample(calls):
        start = time.perf_counter()
        for _ in range(calls):
            result = call()  # kept until the next
            mx.eval(result)
        return (time.perf_counter() - start) / calls
    return sample


def serve(framework, case):
    sample = {"torch": torch_sampler, "mlx": mlx_sampler}[framework](case)
    for line in sys.stdin:
        request = json.loads(line)
        if "warm" in request:
            end = time.perf_counter() + 0.5
            while time.perf_counter() < end:
                call_s = sample(3)
            answer = call_s
        else:
            sample(request["calls"])  # the lead-in, as our blocks have one
            answer = [sample(request["calls"]) for _ in range(request["samples"])]
        print(json.dumps(answer), flush=True)


def pair(framework, case, blocks):
    """log(their time / our time) of one pair of fresh processes: the median over interleaved block pairs."""
    ours = Ours(framework, case)
    theirs = Theirs(framework, case, ours.blas_core)
    call_s = ours.warm()
    calls = max(1, math.ceil(1e-3 / call_s))
    samples = max(3, math.ceil(BLOCK_S / (calls * call_s)))
    ratios, our_times = [], []
    for i in range(blocks):
        sides = [ours, theirs] if i % 2 == 0 else [theirs, ours]
        times = {side: statistics.median(side.block(calls, samples)) for side in sides}
        ratios.append(math.log(times[theirs] / times[ours]))
        our_times.append(times[ours])
    ours.close()
    theirs.close()
    return statistics.median(ratios), statistics.median(our_times)


def interval(logs):
    t = T_975.get(len(logs) - 1, 2.0)
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    mean = statistics.mean(logs)
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def compare(frameworks, cases, pairs, blocks):
    print(f"{'framework':10}{'case':30}{'our time':>12}   their time / our time (95 % range)")
    for framework in frameworks:
        for case in cases:
            results = [pair(framework, case, blocks) for _ in range(pairs)]
            ratio, low, high = interval([r[0] for r in results])
            our_s = statistics.median(r[1] for r in results)
            rate = f"   {2 * case['params']['n']**3 / our_s / 1e9:.1f} GFLOP/s" if case["workload"] == "gemm" else ""
            print(f"{framework:10}{label(case):30}{our_s * 1e3:>9.3f} ms   {ratio:.4f} ({low:.4f} to {high:.4f}){rate}", flush=True)


def overhead(pairs):
    """What a call costs through our worker, less what it costs in a bare C++ loop, at n = 16."""
    import torch
    import torch.utils.benchmark as bench
    timer = bench.Timer("at::linear(x, w);", setup="c10::InferenceMode guard; auto x = at::rand({16, 16}); auto w = at::rand({16, 16});",
                        language="cpp", num_threads=torch.get_num_threads())
    differences = []
    for _ in range(pairs):
        ours = Ours("torch", gemm(16, "float32"))
        ours.warm()
        for _ in range(10):
            mine = statistics.median(ours.block(100, 50))
            bare = statistics.median(timer.timeit(5000).mean for _ in range(3))
            differences.append((mine - bare) * 1e6)
        ours.close()
    print(f"\noverhead at n = 16: a call through our worker takes {statistics.median(differences):+.2f} us more than in a bare C++ loop "
          f"(median of {len(differences)} block pairs, {min(differences):+.2f} to {max(differences):+.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=8, help="process pairs a case")
    parser.add_argument("--blocks", type=int, default=10, help="block pairs a process pair")
    parser.add_argument("--framework", choices=["torch", "mlx"], action="append")
    parser.add_argument("--no-overhead", action="store_true", help="leave out the C++ comparison, which compiles")
    parser.add_argument("--only", choices=["gemm", *OPERATIONS], action="append", help="these workloads instead of all")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(args.serve[0], json.loads(args.serve[1]))
    cases = [gemm(n, dtype) for n, dtype in GEMMS] + [operation(name) for name in OPERATIONS]
    if args.only:
        cases = [c for c in cases if c["workload"] in args.only]
    compare(args.framework or ["torch", "mlx"], cases, args.pairs, args.blocks)
    if not args.no_overhead and (not args.framework or "torch" in args.framework):
        overhead(args.pairs)


if __name__ == "__main__":
    main()
