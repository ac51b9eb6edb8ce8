"""A small real run: PyTorch, MLX and the native worker compute the same cases, are checked, and are compared.

Nothing here looks at how fast anything was. Where a framework's worker was not built these tests are skipped,
unless MLBENCH_REQUIRE_FRAMEWORKS=1 (CI) makes that a failure.
"""

import json
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from harness import BIN, MlbenchTest, ON_LINUX, main

REQUIRED = os.environ.get("MLBENCH_REQUIRE_FRAMEWORKS") == "1"
FRAMEWORKS = ("torch", "mlx", "native")
DTYPES = ("float32", "float16", "bfloat16")
GGUF = Path(__file__).resolve().parents[1] / "data" / "gguf"

# Sizes that every CPU does in well under a millisecond; six rounds, so that there are verdicts.
REAL = """\
benchmarks:
  compute:
    gemm_sizes: [128, 256]
    gemm_shapes: []
    dtypes: [float32, float16, bfloat16]
  memory:
    ops: [copy, read, write, triad, scale, add]
    sizes: [1MiB]
  attention: {seq_lengths: []}
  operations: [overhead]
measure: {min_rounds: 6, max_rounds: 6, warmup_min: 0.02, warmup_max: 0.05, budget: 4m, case_budget: 2m}
"""


def needs(*workers):
    absent = [w for w in workers if not (BIN / f"mlbench-worker-{w}").exists()]
    return unittest.skipIf(absent and not REQUIRED, f"not built: {', '.join(absent)}")


class RealRun(MlbenchTest):
    @needs(*FRAMEWORKS)
    def test_small_run(self):
        self.config = self.write("real.yaml", REAL)
        for _ in range(2):  # once in hundreds of good runs a control fails by chance, which takes all verdicts away
            finished = self.wait(self.start(*self.run_args("--json", "--device", "cpu", "--full", workers=FRAMEWORKS)),
                                 patience_s=800)
            if finished.code != 6 or finished.json["controls"]["trusted"]:
                break
            shutil.rmtree(self.results)
        self.assert_code(finished, 0)
        document = finished.json
        self.assertEqual({s["subject"]: s["status"] for s in document["subjects"]},
                         {f"{f}:cpu": "ok" for f in FRAMEWORKS})
        self.check_cases(document)
        self.check_verdicts(document)
        self.check_subjects(document)
        self.check_text(document)

    def check_cases(self, document):
        found = {(c["case"], c["subject"]): c for c in document["cases"]}
        for key in [key for key in found if key[0].endswith("/alone")]:  # no room in a quarter of 4 minutes
            entry = found.pop(key)
            self.assertEqual(entry["status"], "skipped", entry)
            self.assertIn("quarter of the budget", entry["reason"])
        ids = [f"gemm/{d}/{s}" for d in DTYPES for s in ("128", "256")]
        ids += [f"memory/float32/{op}_1MiB" for op in ("copy", "read", "write", "triad", "scale", "add")]
        ids += [f"overhead/{d}/elements16" for d in DTYPES]
        self.assertEqual(set(found), {(i, f"{f}:cpu") for i in ids for f in FRAMEWORKS})
        for (case, subject), entry in found.items():
            with self.subTest(case=case, subject=subject):
                if entry["status"] == "unsupported":  # native without a BLAS, say: it must tell why
                    self.assertEqual(subject, "native:cpu")
                    self.assertGreater(len(entry["reason"]), 10)
                    continue
                self.assertEqual(entry["status"], "ok", entry["reason"])
                self.assertTrue(entry["check"]["ok"])
                self.assertLessEqual(entry["check"]["max_error"], entry["check"]["tolerance"])
                self.assertTrue(entry["kernel"])
                self.assertGreater(entry["rate"]["value"], 0)
                unit = {"memory": "bytes_per_s", "overhead": "op_per_s"}.get(case.split("/")[0], "flop_per_s")
                self.assertEqual(entry["rate"]["unit"], unit)
                self.assertTrue(0 < entry["time_s"]["low"] <= entry["time_s"]["median"] <= entry["time_s"]["high"])

    def check_verdicts(self, document):
        pairs = {(v["a"], v["b"]) for v in document["verdicts"]}
        self.assertEqual(pairs, {("torch:cpu", "mlx:cpu"), ("torch:cpu", "native:cpu"), ("mlx:cpu", "native:cpu")})
        for v in document["verdicts"]:
            if "native:cpu" in (v["a"], v["b"]) and v["verdict"] == "invalid":
                continue
            self.assertIn(v["verdict"], ("faster", "slower", "equal", "undecided"), v)
            self.assertEqual(v["pairs"], 6)
            self.assertTrue(0 < v["low"] <= v["ratio"] <= v["high"], v)
            winner = {"faster": v["a"], "slower": v["b"]}.get(v["verdict"])
            if winner:
                title = {"torch:cpu": "PyTorch", "mlx:cpu": "MLX", "native:cpu": "native"}[winner]
                self.assertIn(f"{title} is ", v["sentence"])

    def check_subjects(self, document):
        for s in document["subjects"]:
            self.assertTrue(s["version"], s)
            self.assertGreaterEqual(s["facts"]["threads"], 1)
        blas = {s["framework"]: s["facts"]["blas"] for s in document["subjects"]}
        for framework in ("torch", "mlx"):
            self.assertTrue(blas[framework]["library"], blas[framework])

    def check_text(self, document):
        text = self.mlbench("report", self.journal())
        self.assert_code(text, 0)
        for expected in ("PyTorch", "MLX", "COMPUTE", "MEMORY", "right answers: yes, all"):
            self.assertIn(expected, text.out)

    @needs(*FRAMEWORKS)
    def test_inputs_are_the_same_everywhere(self):
        """The outputs of all frameworks for one case agree to rounding, by the bytes they wrote."""
        import array
        outputs = {}
        for framework in FRAMEWORKS:
            path = self.folder / f"{framework}.output"
            requests = [
                {"verb": "prepare", "workload": "memory", "dtype": "float32", "device": "cpu", "seed": 7,
                 "params": {"op": "copy", "bytes": 4096}},
                {"verb": "verify", "case": "memory/float32/copy_4KiB", "path": str(path)}, {"verb": "bye"}]
            text = "".join(json.dumps({"id": i, **r}) + "\n" for i, r in enumerate(requests))
            done = subprocess.run([BIN / f"mlbench-worker-{framework}"], input=text, capture_output=True, text=True,
                                  timeout=120, env=self.environment())
            self.assertEqual(done.returncode, 0, done.stderr)
            outputs[framework] = array.array("f", path.read_bytes())
        self.assertEqual(len(outputs["native"]), 1024)
        self.assertEqual(outputs["torch"], outputs["native"])
        self.assertEqual(outputs["mlx"], outputs["native"])
        self.assertGreater(len(set(outputs["native"])), 1000)  # numbers, not a constant

    @needs("mlx-wheelblas")
    @unittest.skipUnless(ON_LINUX, "MLX uses Accelerate on macOS")
    def test_mlx_as_shipped(self):
        """--mlx-blas=wheel measures the BLAS that the wheel carries, and says so."""
        def described(*args):
            finished = self.run_fake("--json", "--device", "cpu", "--only", "gemm/float32/16", *args, workers=("mlx",))
            self.assert_code(finished, 0)
            subject, = finished.json["subjects"]
            return subject
        best, wheel = described(), described("--mlx-blas", "wheel")
        self.assertEqual((best["subject"], wheel["subject"]), ("mlx:cpu", "mlx@wheel-blas:cpu"))
        self.assertIn("OpenBLAS", best["blas"])
        self.assertNotIn("OpenBLAS", wheel["blas"])
        self.assertTrue(wheel["blas"])
        self.assertNotEqual(best["facts"]["blas"], wheel["facts"]["blas"])

    @unittest.skipUnless(ON_LINUX, "MLX and native use Accelerate on macOS")
    @needs("mlx")
    def test_openblas_runs_kernels_of_this_cpu(self):
        """Never those from before AVX where the CPU has it, unless the user asks for them."""
        features = Path("/proc/cpuinfo").read_text()
        if " avx2" not in features: self.skipTest("a CPU without AVX2")
        for framework in FRAMEWORKS:
            if framework == "torch": continue
            for asked, replaced in ((None, True), ("Prescott", False), ("Haswell", False)):
                env = self.environment(**({"OPENBLAS_CORETYPE": asked} if asked else {}))
                done = subprocess.run([BIN / f"mlbench-worker-{framework}"], capture_output=True, text=True, timeout=120, env=env,
                                      input='{"id":1,"verb":"describe","device":"cpu"}\n{"id":2,"verb":"bye"}\n')
                blas = json.loads(done.stdout.splitlines()[1])["blas"]
                if blas["library"] != "OpenBLAS": continue
                if asked: self.assertEqual(blas["core"], asked)
                else: self.assertNotEqual(blas["core"], "Prescott")
                self.assertTrue(replaced or blas["replaced_core"] is None)

    @needs("torch", "mlx")
    def test_language_model_of_a_gguf_file(self):
        """Right answers with packed weights in both frameworks, bytes of what is packed, and a journal that outlives the file."""
        model = self.folder / "moved.gguf"
        model.write_bytes((GGUF / "llama_q4_0" / "model.gguf").read_bytes())
        finished = self.wait(self.start("llm", model, "--json", "--dtype", "bfloat16", "--prompt", "8", "--depth", "8",
                                        "--rounds", "2", "--budget", "5s", "--device", "cpu", "--results", self.results),
                             patience_s=300)
        self.assert_code(finished, 0)
        self.assertEqual(finished.json["quant"], "q4_0")
        # A framework against itself, and with more work: two rounds give neither an answer, six would.
        outcomes = {(c["true_ratio"], c["outcome"]) for c in finished.json["controls"]["all"]}
        self.assertEqual(outcomes, {(1, "not_tested"), (1.05, "not_tested")})
        for framework, kernel in (("torch", "int4pack"), ("mlx", "quantized_matmul")):
            subject = next(s for s in finished.json["subjects"] if s["subject"] == f"{framework}:cpu")
            self.assertIn(kernel, subject["kernel"])
            entries = subject["prefill"] + subject["decode"]
            self.assertEqual([e["status"] for e in entries], ["ok", "ok"], entries)
            self.assertIn("every output against the decoder in float64", entries[0]["check"]["method"])
            # 4 bits and two numbers of 16 for 32 weights are 5 bits; 20,000 weights without the embedding, and the cache.
            self.assertLess(entries[1]["bytes_per_token"], 20_000 * 5 / 8 + 4000)

        def rates():
            shown = self.mlbench("report", "--json", self.journal())
            self.assert_code(shown, 0)
            return [(c["case"], c["subject"], c["status"], c["rate"]) for c in shown.json["cases"]]
        before = rates()
        model.unlink()
        self.assertEqual(rates(), before)

    @needs("torch")
    def test_pytorch_only(self):
        finished = self.mlbench("run", "--json", "--pytorch-only", "--config", self.config, "--results", self.results,
                                "--reports", self.reports, "--device", "cpu")
        self.assert_code(finished, 0)
        self.assertEqual([s["framework"] for s in finished.json["subjects"]], ["torch", "native"])


if __name__ == "__main__":
    main()
