"""The example session of docs/protocol.md, replayed against the fake worker: what is documented is what happens.

Every field of every line must be there and equal, except the numbers that a clock or the system gave.
"""

import json
import subprocess

from harness import BIN, MlbenchTest, PATIENCE_S, ROOT, main

DOCUMENT = ROOT / "docs" / "protocol.md"
# Of these the document shows what one machine gave; here only their type is compared.
MEASURED = {"host_allocator", "first_call_s", "samples_s", "settled", "sync_overhead_s", "start_ns", "process_cpu_s", "thread_cpu_s",
            "involuntary_switches", "minor_faults", "cpu", "spin_s"}


def session():
    """Lines of the fenced block "session" as (direction, message)."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("```session\n")
    block, fence, _ = rest.partition("\n```")
    if not fence:
        raise ValueError(f"{DOCUMENT} has no block ```session")
    return [(line[0], json.loads(line[2:])) for line in block.splitlines() if line.strip()]


def kind_of(value):
    """number or null are one kind: a counter that a system does not have is null."""
    if value is None or isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


class ExampleSession(MlbenchTest):
    def assert_same(self, got, documented, where):
        self.assertEqual(list(got), list(documented), where)  # the order of fields too
        for field, value in documented.items():
            if field not in MEASURED:
                self.assertEqual(got[field], value, f"{where}: {field}")
            elif isinstance(value, list) and field == "samples_s" and "start_ns" in documented:
                self.assertEqual(len(got[field]), len(value), f"{where}: {field}")
                self.assertTrue(all(t > 0 for t in got[field]), where)
            elif got[field] is not None:  # what a system does not have is null
                self.assertEqual(kind_of(got[field]), kind_of(value), f"{where}: {field}")

    def test_replay(self):
        lines = session()
        self.assertEqual(lines[0][0], "<")
        verbs = {message["verb"] for way, message in lines if way == ">"}
        self.assertEqual(verbs, {"describe", "prepare", "verify", "warm", "block", "release", "probe", "bye"})
        worker = subprocess.Popen([BIN / "mlbench-worker-fake"], cwd=self.folder, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, env=self.environment(), encoding="utf-8")
        with worker:
            for number, (way, message) in enumerate(lines, 1):
                if way == ">":
                    worker.stdin.write(json.dumps(message) + "\n")
                    worker.stdin.flush()
                else:
                    got = worker.stdout.readline()
                    self.assertTrue(got, f"the worker ended before line {number} of the session")
                    self.assert_same(json.loads(got), message, f"line {number} of the session")
            self.assertEqual(worker.stdout.read(), "")
            self.assertEqual(worker.wait(PATIENCE_S), 0)
        self.assertEqual((self.folder / "session.output").stat().st_size, 4 * 4 * 4)


class RawWorker(MlbenchTest):
    """What a worker does with requests that the orchestrator would never send."""

    def talk(self, text):
        done = subprocess.run([BIN / "mlbench-worker-fake"], cwd=self.folder, input=text, capture_output=True,
                              env=self.environment(), timeout=PATIENCE_S)
        return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()]

    def test_end_of_input_ends_the_worker(self):
        code, lines = self.talk(b"")
        self.assertEqual(code, 0)
        self.assertEqual([line["type"] for line in lines], ["hello"])

    def test_rubbish_ends_the_worker_with_an_error(self):
        for rubbish in (b"this is not JSON\n", b"[]\n", b'{"verb":"bye"}\n', b"[" * 100000 + b"\n", b"\xff\n"):
            code, lines = self.talk(rubbish)
            self.assertEqual(code, 4, rubbish[:20])
            self.assertEqual(len(lines), 1)

    def test_bad_requests_are_answered_and_the_worker_goes_on(self):
        requests = [
            {"verb": "dance"},
            {"verb": "prepare"},
            {"verb": "prepare", "workload": "gemm", "dtype": "float7", "params": {}, "device": "cpu"},
            {"verb": "prepare", "workload": "gemm", "dtype": "float32", "params": {"m": -1, "n": 1, "k": 1},
             "device": "cpu"},
            {"verb": "prepare", "workload": "gemm", "dtype": "float32", "params": {"m": 1 << 60, "n": 9, "k": 9},
             "device": "cpu"},
            {"verb": "prepare", "workload": "sort", "dtype": "float32", "params": {}, "device": "cpu"},
            {"verb": "block", "case": "gemm/float32/4", "calls": 1, "samples": 1},
            {"verb": "release"},
            {"verb": "prepare", "workload": "gemm", "dtype": "float32", "params": {"m": 4, "n": 4, "k": 4},
             "device": "cpu"},
            {"verb": "block", "case": "gemm/float32/4", "calls": 0, "samples": 1},
            {"verb": "block", "case": "gemm/float32/4", "calls": 1, "samples": -5},
            {"verb": "block", "case": "gemm/float32/4", "calls": 1e30, "samples": 1},
            {"verb": "verify", "case": "gemm/float32/4", "path": "/nonexistent/folder/file"},
            {"verb": "verify", "case": "gemm/float32/4"},
        ]
        text = "".join(json.dumps({"id": i, **r}) + "\n" for i, r in enumerate(requests))
        code, lines = self.talk((text + '{"id":99,"verb":"bye"}\n').encode())
        self.assertEqual(code, 0)
        self.assertEqual([line.get("id") for line in lines[1:]], [*range(len(requests)), 99])
        good = [requests[line["id"]]["verb"] for line in lines[1:-1] if line["ok"]]
        self.assertEqual(good, ["prepare"])
        for line in lines[1:-1]:
            if not line["ok"]:
                self.assertGreater(len(line["error"]["message"]), 10, line)


if __name__ == "__main__":
    if not DOCUMENT.exists():
        raise SystemExit(f"{DOCUMENT} is missing: it is the specification that workers are written from")
    main()
