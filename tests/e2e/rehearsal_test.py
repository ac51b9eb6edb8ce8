"""What a Mac's user sees, replayed here: recorded facts through the real parsers, plan and report; the fake worker for
the kernels, with invented times."""

import csv
import json

from harness import ROOT, MlbenchTest, main

RECORDINGS = ROOT / "tests/data/rehearsal"
M5, M4 = RECORDINGS / "m5-10core-24gb.json", RECORDINGS / "m4-pro-20core-48gb.json"

# Small products and two rounds: the machinery, not the waiting.
SMALL = """\
benchmarks:
  compute: {gemm_sizes: [64, 128], gemm_shapes: [], dtypes: [float32, float16]}
  memory: {ops: [read], sizes: [256KiB]}
  attention: {seq_lengths: []}
  operations: []
measure: {min_rounds: 2, max_rounds: 2, warmup_min: 0.004, warmup_max: 0.01, budget: 60s}
"""


def measured_limits(memory_gib, chip):
    """The row of data/memory_limits.csv that users read on such a Mac under macOS 26."""
    with open(ROOT / "data/memory_limits.csv", encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        [row] = [r for r in rows if r["memory_gib"] == str(memory_gib) and r["chip"] == chip and r["macos"].startswith("26")]
    return {name: int(row[name]) if row[name] else None for name in ("working_set_bytes", "largest_buffer_bytes")}


class Rehearsal(MlbenchTest):
    def rehearse(self, recording, *more, **options):
        config = self.write("rehearsal.yaml", SMALL)
        return self.mlbench("run", "--rehearsal", recording, "--config", config, *more, **options)

    def document(self, recording, **options):
        finished = self.rehearse(recording, "--json", **options)
        self.assert_code(finished, 0)
        return finished.json

    def changed(self, recording, change):
        """A copy of `recording` after change(dictionary)."""
        data = json.loads(recording.read_text(encoding="utf-8"))
        data["sysctl"] = str((recording.parent / data["sysctl"]).resolve())
        change(data)
        return self.write("changed.json", json.dumps(data))

    def test_a_whole_run_of_an_m5_and_of_an_m4(self):
        for recording, chip, cores, memory_gib in ((M5, "Apple M5", 10, 24), (M4, "Apple M4 Pro", 20, 48)):
            with self.subTest(chip):
                finished = self.rehearse(recording)
                self.assert_code(finished, 0)
                first = finished.out.splitlines()[0]
                self.assertIn(f"{chip} · {cores} GPU cores · {memory_gib} GiB · macOS 26", first)
                for shown in ("PyTorch 2.13.0 (mps", "MLX 0.32.4 (gpu", "right answers: yes"):
                    self.assertIn(shown, finished.out)
                self.assertEqual("neural-accelerator kernels: yes" in finished.out, recording == M5)

    def test_everything_that_comes_of_it_says_that_it_is_a_rehearsal(self):
        finished = self.rehearse(M5)
        self.assert_code(finished, 0)
        self.assertIn("REHEARSAL", finished.err)
        folder = self.folder / "results/rehearsals"  # apart from what was measured
        [journal] = folder.glob("*.jsonl")
        self.assertFalse((self.folder / "results/raw").exists() and list((self.folder / "results/raw").iterdir()))
        header = json.loads(journal.read_text(encoding="utf-8").splitlines()[0])
        self.assertEqual(header["rehearsal"], "M5 10-core, 24 GB")
        [stored] = folder.glob("*.txt")
        again = self.mlbench("report", journal)
        self.assert_code(again, 0)
        for text in (finished.out, stored.read_text(encoding="utf-8"), again.out):
            self.assertTrue(text.splitlines()[0].startswith("REHEARSAL, nothing was measured"), text)
            self.assertIn("every time and rate is invented", text)
        document = self.mlbench("report", "--json", journal).json
        self.assertEqual(document["rehearsal"], "M5 10-core, 24 GB")

    def test_a_comparison_of_rehearsals_says_so_first(self):
        for recording in (M5, M4):
            self.assert_code(self.rehearse(recording), 0)
        first, second = sorted((self.folder / "results/rehearsals").glob("*.jsonl"))
        alone = self.mlbench("compare", first, "--subjects", "torch:mps,mlx:gpu")
        self.assert_code(alone, 0)
        self.assertTrue(alone.out.startswith("REHEARSAL, nothing was measured"), alone.out)
        both = self.mlbench("compare", first, second, "--anyway", "--json")
        self.assert_code(both, 0)
        self.assertEqual(len(both.json["rehearsals"]), 2)

    def test_limits_are_the_measured_ones_and_the_rest_is_derived(self):
        for recording, memory_gib, chip in ((M5, 24, "M5"), (M4, 48, "M4 Pro")):
            with self.subTest(chip):
                row = measured_limits(memory_gib, chip)
                memory = self.mlbench("discover", "--json", "--rehearsal", recording).json["machine"]["memory"]
                self.assertEqual(memory["total_bytes"], memory_gib << 30)
                self.assertEqual(memory["gpu_working_set_bytes"], row["working_set_bytes"])
                self.assertEqual(memory["largest_buffer_bytes"], row["largest_buffer_bytes"])
                shown = self.mlbench("discover", "--rehearsal", recording).out.splitlines()
                [working_set] = [line for line in shown if line.strip().startswith("GPU working set")]
                [buffer] = [line for line in shown if line.strip().startswith("largest GPU buffer")]
                self.assertIn(f"{row['working_set_bytes'] / 2**30:.1f} GiB", working_set)
                self.assertNotIn("derived", working_set)
                bytes_shown = row["largest_buffer_bytes"] or 0.75 * row["working_set_bytes"]
                self.assertIn(f"{bytes_shown / 2**30:.1f} GiB", buffer)
                if row["largest_buffer_bytes"] is None:  # nobody has read it on such a Mac
                    self.assertIn("derived for macOS 26 from 24 GiB: 0.75 of the default working set", buffer)
                else:
                    self.assertNotIn("derived", buffer)

    def test_a_run_reports_the_measured_limits_and_labels_the_derived_ones(self):
        for recording, memory_gib, chip in ((M5, 24, "M5"), (M4, 48, "M4 Pro")):
            with self.subTest(chip):
                row = measured_limits(memory_gib, chip)
                working_set, derived = row["working_set_bytes"], row["largest_buffer_bytes"] is None
                buffer = int(0.75 * working_set) // 16384 * 16384 if derived else row["largest_buffer_bytes"]
                run = self.document(recording)
                limits = {limit["name"]: limit for limit in run["limits"]}
                self.assertEqual(limits["GPU working set"]["bytes"], working_set)
                self.assertAlmostEqual(limits["one buffer"]["bytes"], buffer, delta=16384)  # Metal rounds to such pages
                self.assertEqual(limits["one buffer"]["source"].startswith("derived"), derived)
                self.assertEqual(run["machine"]["memory"]["gpu_working_set_bytes"], working_set)
                self.assertFalse(limits["GPU working set"]["source"].startswith("derived"))
                label = f"{buffer / 2**30:.1f} GiB" + (" (derived)" if derived else "")
                text = self.mlbench("report", run["run"])
                [line] = [line for line in text.out.splitlines() if line.startswith("LIMITS")]
                self.assertIn(f"one buffer {label}", line)
                self.assertIn(f"GPU working set {working_set / 2**30:.1f} GiB ", line + " ")
                self.assertEqual("(derived)" in line, derived)
                self.assertFalse([d for d in run["doubts"] if "clock_changed" in d])  # of the machine that rehearses

    def test_the_plan_is_made_for_that_machine(self):
        """The same preset takes larger cases on the faster GPU."""
        taken = {}
        for recording in (M5, M4):
            finished = self.mlbench("list", "--json", "--quick", "--only", "gemm/float32/*", "--rehearsal", recording)
            self.assert_code(finished, 0)
            taken[recording] = [c for c in finished.json["cases"] if c["status"] == "planned"]
            for case in taken[recording]:
                self.assertEqual(set(case["estimated_call_s"]), {"torch:mps", "mlx:gpu"})
        size = lambda cases: max(c["flop"] for c in cases)
        self.assertGreater(size(taken[M4]), 0)
        self.assertGreaterEqual(size(taken[M4]), size(taken[M5]))

    def test_the_wrong_mlx_package_on_an_m5_is_a_doubt(self):
        def older(data):
            package = data["workers"]["mlx"]["devices"]["gpu"]["describe"]["build"]["package"]
            package.update({"tag": "py3-none-macosx_14_0_arm64", "neural_accelerator_kernels": False})
        finished = self.rehearse(self.changed(M5, older))
        self.assert_code(finished, 0)
        self.assertIn("neural-accelerator kernels: no", finished.out)
        self.assertIn("matrix products are understated", finished.out)

    def test_memory_pressure_is_waited_for(self):
        """Short memory at first: the run waits, and goes on when it has recovered."""
        def short(data):
            calm = data["states"][0]
            data["states"] = [dict(calm, memory_pressure_level="warn")] * 4 + [calm]
        document = self.document(self.changed(M5, short))
        self.assertEqual({c["status"] for c in document["cases"]}, {"ok"})

    def test_what_fits_once_only_is_measured_by_whole_processes_that_alternate(self):
        """A quarter of the memory holds the array once, not twice."""
        def little(data):
            data["states"] = [dict(data["states"][0], memory_available_bytes=1536 << 10)]
        config = self.write("six.yaml", SMALL.replace("rounds: 2", "rounds: 6"))
        finished = self.mlbench("run", "--rehearsal", self.changed(M5, little), "--config", config, "--json",
                                "--results", self.results)
        self.assert_code(finished, 0)
        read = "memory/float32/read_256KiB"
        verdicts = {v["case"]: v for v in finished.json["verdicts"]}
        self.assertEqual(verdicts[read]["pairs"], 6)
        self.assertIn("not_interleaved", verdicts[read]["flags"])
        self.assertNotIn("not_interleaved", verdicts["gemm/float32/64"]["flags"])
        self.assertEqual([c["case"] for c in self.lines("case") if c.get("alternating")], [read])
        switches = {}  # how often the subject of a block is another than that of the block before
        for round_ in range(6):
            lines = [line for line in self.lines() if line.get("round") == round_]
            for case in (read, "gemm/float32/64"):
                sides = [b["subject"] for b in lines if b["type"] == "block" and b["case"] == case]
                self.assertEqual(sides.count(sides[0]) * 2, len(sides))
                self.assertEqual(len(sides) % 4, 0)  # whole ABBAs
                switches.setdefault(case, []).append(sum(a != b for a, b in zip(sides, sides[1:])))
                if case != read:  # the two inside each ABBA at least
                    self.assertGreaterEqual(switches[case][-1], len(sides) // 2 - 1)
            first = next(i for i, line in enumerate(lines) if line.get("case") == read)
            # Both were started for it, and nothing else was measured after it.
            self.assertEqual(sum(line["type"] == "process" for line in lines[first - 1:]), 2)
        self.assertEqual(switches[read], [1] * 6)

    def test_a_recording_that_is_none_is_refused(self):
        for name, text in (("broken.json", "{"), ("other.json", '{"schema": "mlbench.journal/1"}')):
            finished = self.rehearse(self.write(name, text), "--json")
            self.assert_error(finished, 2, "usage", name)
        self.assert_error(self.rehearse(self.folder / "none.json", "--json"), 2, "usage", "none.json")


if __name__ == "__main__":
    main()
