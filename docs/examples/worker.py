#!/usr/bin/env python3
"""A worker for mlbench in plain Python: gemm in float32 on the CPU. docs/protocol.md explains it.

Install it on PATH as mlbench-worker-python (executable), then:
  mlbench run --worker python --only 'gemm/float32/128' --budget 30s
"""
import array, json, operator, os, statistics, sys, time


def inputs(seed, stream, count):
    """The first `count` elements of an input: Philox4x32-10, upper 24 bits, into [-1, 1)."""
    values = array.array("f")
    for group in range((count + 3) // 4):
        c, k = [group & 0xFFFFFFFF, group >> 32, stream, 0], [seed & 0xFFFFFFFF, seed >> 32]
        for _ in range(10):
            p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [q >> 32 ^ c[1] ^ k[0], q & 0xFFFFFFFF, p >> 32 ^ c[3] ^ k[1], p & 0xFFFFFFFF]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        values.extend((word >> 8) * 2.0**-23 - 1 for word in c)
    return values[:count]


class Gemm:
    """y = x·Wᵀ with x [m, k], W [n, k]."""
    def __init__(self, m, n, k, seed):
        x, w = inputs(seed, 0, m * k), inputs(seed, 1, n * k)
        self.x = [x[i * k:(i + 1) * k] for i in range(m)]
        self.w = [w[j * k:(j + 1) * k] for j in range(n)]
        self.shape = [m, n]

    def time_s(self, calls):
        """Seconds per call. Nothing but the calls is between the two looks at the clock."""
        start = time.perf_counter()
        for _ in range(calls):
            self.y = array.array("f", (sum(map(operator.mul, r, c)) for r in self.x for c in self.w))
        return (time.perf_counter() - start) / calls


prepared, version = {}, sys.version.split()[0]


def answer(r):
    verb = r["verb"]
    if verb == "describe" and r["device"] == "cpu":
        return {"framework": "python", "device": "cpu", "framework_version": version, "threads": 1}
    if verb == "prepare" and (r["workload"], r["dtype"], r["device"]) == ("gemm", "float32", "cpu"):
        p = r["params"]
        m, n, k = p["m"], p["n"], p["k"]
        case = f"gemm/float32/{n}" if m == n == k else f"gemm/float32/m{m}_n{n}_k{k}"
        prepared[case] = Gemm(m, n, k, r["seed"])
        return {"kernel": "sum(map(mul))", "notes": ["plain Python"], "case": case}
    if verb not in ("warm", "block", "verify", "release"):
        raise NotImplementedError("the Python worker cannot do that")
    if verb == "release":
        prepared.pop(r["case"], None)
        return {}
    kernel = prepared[r["case"]]
    if verb == "warm":
        start, first_call_s, samples_s, settled = time.perf_counter(), kernel.time_s(1), [], False
        while True:
            spent_s = time.perf_counter() - start
            if len(samples_s) + 1 >= r["min_calls"] and spent_s >= r["min_s"] and (settled or spent_s >= r["max_s"]):
                return {"first_call_s": first_call_s, "samples_s": samples_s, "settled": settled, "sync_overhead_s": 0}
            samples_s.append(kernel.time_s(1))
            if len(samples_s) >= 10:
                settled = abs(statistics.median(samples_s[-5:]) / statistics.median(samples_s[-10:-5]) - 1) < 0.03
    if verb == "block":
        start_ns = time.monotonic_ns()
        return {"samples_s": [kernel.time_s(r["calls"]) for _ in range(r["samples"] + 1)], "start_ns": start_ns}
    if r["source"] == "fresh": kernel.time_s(1)
    with open(r["path"], "wb") as file: kernel.y.tofile(file)
    return {"shape": kernel.shape, "dtype": "float32"}


# Messages keep the real stdout; whatever prints goes to stderr.
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
print(json.dumps({"type": "hello", "protocol": 1, "worker": "python", "framework_version": version,
                  "devices": ["cpu"], "workloads": ["gemm"]}), file=out, flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        body = {} if request["verb"] == "bye" else answer(request)
        reply = {"id": request["id"], "ok": True, **body}
    except Exception as error:
        kind = ("unsupported" if isinstance(error, NotImplementedError)
                else "out_of_memory" if isinstance(error, MemoryError) else "failed")
        reply = {"id": request["id"], "ok": False, "error": {"kind": kind, "message": f"{type(error).__name__}: {error}"}}
    print(json.dumps(reply), file=out, flush=True)
    if request["verb"] == "bye": break
