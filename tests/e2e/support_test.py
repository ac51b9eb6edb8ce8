"""The support map: each row is an executed probe, and says what the worker really did."""

import json
import pathlib
import unittest

from harness import MlbenchTest, main


class SupportMap(MlbenchTest):
    def rows(self, fake="", *only):
        named = [a for glob in only or ("gemm/*", "softmax/*") for a in ("--only", glob)]
        finished = self.mlbench("list", "--support", "--json", "--worker", "fake", *named, fake=fake)
        self.assert_code(finished, 0)
        self.assertEqual(finished.json["schema"], "mlbench.list/1")
        return {(r["workload"], r["dtype"]): r for r in finished.json["rows"]}

    def test_a_good_worker_is_native_everywhere(self):
        rows = self.rows()
        self.assertEqual(set(rows), {(w, d) for w in ("gemm", "softmax") for d in ("float32", "float16", "bfloat16")})
        for row in rows.values():
            self.assertEqual(row["support"], "native", row)
            self.assertIsNone(row["reason"])
            self.assertEqual(row["subject"], "fake:cpu")
            self.assertGreater(row["call_s"], 0)

    def test_each_kind_of_support_comes_from_what_the_worker_did(self):
        slow = "warm@gemm/float16/*:slow,block@gemm/float16/*:slow"
        rows = self.rows(f"verify@softmax/float16/*:wrong,prepare@softmax/bfloat16/*:refuse,{slow},"
                         "prepare@gemm/bfloat16/*:fallback,verify@gemm/float32/*:crash")
        def found(workload, dtype):
            return rows[workload, dtype]["support"], rows[workload, dtype]["reason"]
        self.assertEqual(found("softmax", "float16")[0], "wrong")
        self.assertIn("expected", found("softmax", "float16")[1])
        self.assertEqual(found("softmax", "bfloat16")[0], "unsupported")
        self.assertIn("refuses", found("softmax", "bfloat16")[1])
        self.assertEqual(found("gemm", "bfloat16")[0], "fallback")
        self.assertIn("fake::on_cpu", found("gemm", "bfloat16")[1])
        self.assertEqual(found("gemm", "float32")[0], "unsupported")
        self.assertIn("crashed", found("gemm", "float32")[1])
        self.assertEqual(found("softmax", "float32")[0], "native")  # the worker was started again

    def test_slow_is_measured_against_float32(self):
        rows = self.rows("warm@gemm/float16/*:slow,block@gemm/float16/*:slow")
        self.assertEqual(rows["gemm", "float16"]["support"], "slow")
        self.assertGreater(rows["gemm", "float16"]["float32_ratio"], 3)
        self.assertIn("times as long as float32", rows["gemm", "float16"]["reason"])
        self.assertEqual(rows["gemm", "bfloat16"]["support"], "native")

    def test_later_runs_show_what_was_probed(self):
        """A map of everything is kept beside the journals, for the same worker and machine only."""
        probe = ("list", "--support", "--json", "--worker", "fake", "--results", self.results)
        self.assert_code(self.mlbench(*probe, fake="verify@softmax/float16/*:wrong"), 0)
        run = self.run_fake("--json")
        self.assert_code(run, 0)
        kept = {(line["workload"], line["dtype"]): line for line in self.lines("support")}
        self.assertGreater(len(kept), 60)
        self.assertEqual([kept["softmax", d]["support"] for d in ("float32", "float16", "bfloat16")], ["native", "wrong", "native"])
        page = next(self.reports.glob("*.html")).read_text(encoding="utf-8")
        self.assertIn("cross_entropy", page)  # which the run did not measure
        other = json.loads((self.results / "support.json").read_text())
        other["machine"]["cpu"] = "another CPU"
        (self.results / "support.json").write_text(json.dumps(other))
        again = self.run_fake("--json")
        self.assert_code(again, 0)
        self.assertNotIn('"type":"support"', pathlib.Path(again.json["run"]).read_text(encoding="utf-8"))

    def test_text(self):
        finished = self.mlbench("list", "--support", "--worker", "fake", "--only", "softmax/*",
                                fake="prepare@softmax/float16/*:refuse")
        self.assert_code(finished, 0)
        for expected in ("SUPPORT", "fake:cpu", "softmax", "native", "unsupported", "WHY", "refuses"):
            self.assertIn(expected, finished.out)

    def test_fallback_is_told_in_a_run(self):
        finished = self.run_fake("--json", fake="prepare@gemm/float32/16:fallback")
        self.assert_code(finished, 0)
        entry = self.entries(finished.json)["gemm/float32/16"]
        self.assertIn("fallback", entry["flags"])
        self.assertIn("fake::on_cpu", " ".join(entry["notes"]))


if __name__ == "__main__":
    main()
