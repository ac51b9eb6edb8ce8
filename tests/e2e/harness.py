"""Runs the real mlbench binary, each test in folders of its own.

MLBENCH_BIN_DIR names the folder that holds mlbench and its workers; CTest sets it.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MLBENCH_BIN_DIR", ROOT / "build/ci/bin"))
MLBENCH = BIN / "mlbench"
ON_LINUX = sys.platform.startswith("linux")

# Long enough for a loaded machine under sanitizers; a test that needs it has failed.
PATIENCE_S = 120

# Three cases of microseconds, two rounds: the machinery without the waiting. Two rounds give no verdict.
SMALL = """\
benchmarks:
  compute: {gemm_sizes: [16, 24], gemm_shapes: [], dtypes: [float32]}
  memory: {ops: [copy], sizes: [64KiB]}
  attention: {seq_lengths: []}
  operations: []
measure: {min_rounds: 2, max_rounds: 2, warmup_min: 0.004, warmup_max: 0.01, budget: 60s}
"""
GEMM_16, GEMM_24, COPY = "gemm/float32/16", "gemm/float32/24", "memory/float32/copy_64KiB"
ALL_CASES = {GEMM_16, GEMM_24, COPY}


class Finished:
    """What a command left behind."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    @property
    def json(self):
        """stdout as exactly one JSON document; anything before or after it is an error."""
        return json.loads(self.out)


class MlbenchTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mlbench e2e "))  # with a space, as users have
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.results = self.folder / "raw"
        self.reports = self.folder / "reports"
        self.config = self.write("small.yaml", SMALL)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def environment(self, fake="", **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("MLBENCH_FAKE")}
        env.update({"MLBENCH_ROOT": str(self.folder), "MLBENCH_FAKE": fake, "MLBENCH_FAKE_CALL_S": "0.0002"})
        env.update({k: str(v) for k, v in more.items()})
        return env

    def start(self, *args, fake="", env=None, **options):
        """Starts mlbench in a process group of its own and returns at once."""
        return subprocess.Popen(
            [str(MLBENCH), *map(str, args)], cwd=self.folder, env=env or self.environment(fake),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", start_new_session=True, **options)

    def wait(self, process, patience_s=PATIENCE_S):
        try:
            out, err = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            self.fail(f"mlbench did not end\n{out}\n{err}")
        return Finished(process.returncode, out, err)

    def mlbench(self, *args, **options):
        return self.wait(self.start(*args, **options))

    def run_args(self, *more, workers=("fake",)):
        named = [a for w in workers for a in ("--worker", w)]
        return ["run", "--config", self.config, "--results", self.results, "--reports", self.reports,
                *named, *more]

    def run_fake(self, *more, workers=("fake",), **options):
        return self.mlbench(*self.run_args(*more, workers=workers), **options)

    def journal(self):
        """Path of the only journal."""
        found = sorted(self.results.glob("*.jsonl"))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def lines(self, kind=None):
        """Whole lines of the journal, parsed."""
        text = self.journal().read_text(encoding="utf-8")
        parsed = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in parsed if kind is None or line["type"] == kind]

    def entries(self, document):
        """Case ids of a report with the entry of each; for runs of one subject."""
        return {c["case"]: c for c in document["cases"]}

    def assert_code(self, finished, code):
        self.assertEqual(finished.code, code, str(finished))

    def assert_one_sentence(self, finished):
        """An error is one line on stderr that starts with the program's name."""
        last = [line for line in finished.err.splitlines() if line.strip()][-1]
        self.assertTrue(last.startswith("mlbench: "), str(finished))
        self.assertGreater(len(last), 30, str(finished))
        return last

    def assert_error(self, finished, code, kind, *words):
        """A --json command failed as it should: exit code, one error document, one sentence with `words`."""
        self.assert_code(finished, code)
        document = finished.json
        self.assertEqual(document["schema"], "mlbench.error/1")
        self.assertEqual(document["kind"], kind)
        self.assertIn(document["message"], self.assert_one_sentence(finished))
        for word in words:
            self.assertIn(str(word), document["message"])

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited in vain for {what}")
            time.sleep(0.02)


def is_alive(pid):
    """Whether `pid` runs; a zombie that nobody has waited for does not."""
    if not ON_LINUX:
        return subprocess.run(["ps", "-p", str(pid)], stdout=subprocess.DEVNULL).returncode == 0
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def main():
    if not MLBENCH.exists():
        sys.exit(f"{MLBENCH} does not exist: set MLBENCH_BIN_DIR to the folder of the build's programs")
    unittest.main(verbosity=2)
