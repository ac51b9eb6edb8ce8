"""`mlbench compare` on journals that a run wrote and on made-up ones: verdicts, the gate, formats, failures."""

import json
import os

from harness import MlbenchTest, main

RUN = """\
benchmarks:
  compute: {gemm_sizes: [16, 24], gemm_shapes: [], dtypes: [float32]}
  memory: {ops: [], sizes: [64KiB]}
  attention: {seq_lengths: []}
  operations: []
measure: {min_rounds: 6, max_rounds: 6, warmup_min: 0.004, warmup_max: 0.01, budget: 60s}
"""


def made_up(started, new_s, rounds=8, subjects=("mlx@old:cpu", "mlx@new:cpu"), **header):
    """Lines of a journal of two subjects on one case; the second takes new_s, the first 1 ms a call."""
    case = {"case": "gemm/float32/64", "workload": "gemm", "dtype": "float32", "params": {"m": 64, "n": 64, "k": 64},
            "flop": 524288.0, "bytes": 49152.0, "unit": "flop_per_s"}
    lines = [{"type": "run", "schema": "mlbench.journal/1", "started": started, "method_version": 1,
              "settings": {"seed": 1}, "machine": {"cpu": {"name": "EPYC", "logical_cores": 2}}, **header}]
    for subject in subjects:
        lines.append({"type": "subject", "subject": subject, "framework": subject.split("@")[0].split(":")[0],
                      "device": "cpu", "facts": {"framework_version": "1"}})
    lines.append({"type": "case", **case})
    for r in range(rounds):
        for subject, time_s in zip(subjects, (1e-3, new_s)):
            t = time_s * (1 + 0.001 * (r % 3 - 1))
            lines.append({"type": "block", "round": r, "case": case["case"], "subject": subject, "row": 0,
                          "samples_s": [9.0, t, t]})
        lines.append({"type": "slot", "round": r, "case": case["case"], "subjects": list(subjects)})
    return "".join(json.dumps(line) + "\n" for line in lines)


class Compare(MlbenchTest):
    def compare(self, *args, **options):
        return self.mlbench("compare", "--results", self.results, *args, **options)

    def two_environments(self, new_s, name="ab.jsonl"):
        return self.write(name, made_up("2026-01-01T00:00:00Z", new_s))

    def test_a_real_run_of_two_environments_is_judged_like_its_report(self):
        self.config = self.write("run.yaml", RUN)
        self.assert_code(self.run_fake(workers=("fake@old", "fake@new")), 0)
        finished = self.compare(self.journal(), "--json")
        self.assert_code(finished, 0)
        document = finished.json
        self.assertEqual(document["schema"], "mlbench.compare/1")
        self.assertTrue(document["interleaved"])
        self.assertEqual({v["case"] for v in document["verdicts"]}, {"gemm/float32/16", "gemm/float32/24"})
        report = self.mlbench("report", self.journal(), "--json").json
        for v in document["verdicts"]:
            self.assertEqual((v["a"], v["b"]), ("fake@new:cpu", "fake@old:cpu"))
            self.assertIn(v["verdict"], {"faster", "slower", "equal", "undecided"})
            same = [r for r in report["verdicts"] if r["case"] == v["case"]]
            self.assertEqual(len(same), 1)
            self.assertEqual((same[0]["a"], same[0]["b"]), ("fake@old:cpu", "fake@new:cpu"))
            self.assertAlmostEqual(same[0]["ratio"] * v["ratio"], 1, places=12)  # the same, the other way round

    def test_two_real_runs_give_ratios_and_say_why_there_is_no_verdict(self):
        self.assert_code(self.run_fake(), 0)
        first = self.journal()
        moved = self.folder / "first.jsonl"
        first.rename(moved)
        self.assert_code(self.run_fake(), 0)
        finished = self.compare(moved, self.journal(), "--json")
        self.assert_code(finished, 0)
        self.assertTrue(finished.json["comparable"])
        for v in finished.json["verdicts"]:
            self.assertEqual(v["verdict"], "invalid")
            self.assertIn("not interleaved", v["sentence"])
            self.assertIsNotNone(v["ratio"])

    def test_the_gate_ends_with_five_on_a_regression_and_zero_without(self):
        slower = self.two_environments(1.1e-3)
        finished = self.compare(slower, "--gate", "3%")
        self.assert_code(finished, 5)
        self.assertIn("fail: 1 of 1 case slower by more than 3 %", finished.out)
        self.assert_code(self.compare(slower, "--gate", "0.2"), 0)
        self.assert_code(self.compare(slower), 0)
        self.assertEqual(self.compare(slower, "--gate", "3%", "--json").json["gate"], "fail")
        self.assertEqual(self.compare(slower, "--gate", "20%", "--format", "json").json["gate"], "pass")

    def test_a_gate_that_cannot_judge_does_not_pass(self):
        a = self.write("a.jsonl", made_up("1", 1e-3, subjects=("torch:cpu",)))
        b = self.write("b.jsonl", made_up("2", 1e-3, subjects=("torch:cpu",)))
        finished = self.compare(a, b, "--gate", "3%")
        self.assert_code(finished, 3)
        self.assertIn("not decided", self.assert_one_sentence(finished))
        self.assertIsNone(self.compare(a, b, "--gate", "3%", "--json").json["gate"])

    def test_github_annotations_and_the_summary_of_the_job(self):
        summary = self.folder / "summary.md"
        finished = self.compare(self.two_environments(1.1e-3), "--gate", "3%", "--format", "github",
                                env={**os.environ, "GITHUB_STEP_SUMMARY": str(summary)})
        self.assert_code(finished, 5)
        self.assertTrue(finished.out.startswith("::error title=mlbench%3A regression::GEMM float32 64"), finished.out)
        self.assertIn("| GEMM float32 64 |", summary.read_text(encoding="utf-8"))

    def test_markdown(self):
        finished = self.compare(self.two_environments(1.1e-3), "--format", "markdown")
        self.assert_code(finished, 0)
        self.assertIn("| mlx@old:cpu -> mlx@new:cpu | BASE | NEW | NEW against BASE |", finished.out)

    def test_another_method_is_refused_unless_told(self):
        a = self.write("a.jsonl", made_up("1", 1e-3))
        b = self.write("b.jsonl", made_up("2", 1e-3, method_version=2))
        finished = self.compare(a, b)
        self.assert_code(finished, 2)
        self.assertIn("method version: 1 in BASE, 2 in NEW", self.assert_one_sentence(finished))
        document = self.compare(a, b, "--json").json
        self.assertFalse(document["comparable"])
        self.assertEqual(document["verdicts"], [])
        anyway = self.compare(a, b, "--anyway", "--json")
        self.assert_code(anyway, 0)
        self.assertEqual({v["verdict"] for v in anyway.json["verdicts"]}, {"invalid"})
        self.assertTrue(all(v["ratio"] for v in anyway.json["verdicts"]))

    def test_lists_and_patterns_name_several_runs_a_side(self):
        self.results = self.folder
        for i, name in enumerate(("base1", "base2", "new1", "new2")):
            self.write(f"{name}.jsonl", made_up(str(i), 1e-3))
        by_pattern = self.compare("base*", "new1,new2", "--json")
        self.assert_code(by_pattern, 0)
        self.assertEqual((len(by_pattern.json["base"]), len(by_pattern.json["new"])), (2, 2))
        by_flags = self.compare("--base", "base1", "base2", "--new", "new1", "new2", "--json")
        self.assertEqual(by_flags.json["verdicts"], by_pattern.json["verdicts"])

    def test_bad_input_gets_one_sentence_and_the_right_code(self):
        good = self.two_environments(1e-3)
        other_schema = self.write("old.jsonl", '{"type":"run","schema":"mlbench.journal/0"}\n')
        cut = self.write("cut.jsonl", good.read_text()[:30])
        broken = self.write("broken.jsonl", good.read_text() + "{rubbish\n")
        for args, code, kind, words in (
                ((good, self.folder / "missing.jsonl"), 2, "usage", ("no run", "missing.jsonl")),
                ((good, self.folder), 4, "io", ("is a folder",)),
                ((good, other_schema), 4, "io", ("mlbench.journal/0",)),
                ((good, cut), 4, "io", ("holds no whole line",)),
                ((good, broken), 4, "io", ("broken.jsonl: line",)),
                ((good, good), 2, "usage", ("named twice",)),
                ((good, "nothing*"), 2, "usage", ("no run matches",)),
                ((good, "--gate", "fast"), 2, "usage", ("--gate",)),
                ((good, "--subjects", "a,b,c"), 2, "usage", ("--subjects",)),
                ((good, "--subjects", "torch:cpu,mlx@new:cpu"), 2, "usage", ("no subject torch:cpu",)),
                ((good, "--base", good), 2, "usage", ("either as BASE NEW",)),
                ((good, "--format", "html"), 2, "usage", ("--format",)),
                ((), 2, "usage", ("name the two runs",))):
            with self.subTest(args=args):
                self.assert_error(self.compare(*args, "--json"), code, kind, *words)

    def test_a_journal_cut_off_in_a_line_is_compared_by_what_it_holds(self):
        whole = self.two_environments(1.1e-3)
        cut = self.write("cut.jsonl", whole.read_text()[:-20])
        finished = self.compare(cut, "--json")
        self.assert_code(finished, 0)
        self.assertEqual(finished.json["verdicts"][0]["pairs"], 7)


if __name__ == "__main__":
    main()
