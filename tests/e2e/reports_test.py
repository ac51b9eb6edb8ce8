"""Reports of a stored run in every format, and of a run that has just ended."""

import csv
import io
import os
import shutil
import unittest
import xml.etree.ElementTree

import harness

STORED = harness.ROOT / "tests/data/journals/v1-m5-interrupted.jsonl"
REQUIRED = os.environ.get("MLBENCH_REQUIRE_FRAMEWORKS") == "1"


class ReportsTest(harness.MlbenchTest):
    def test_formats_tell_the_same(self):
        document = self.mlbench("report", STORED, "--json").json
        rows = list(csv.DictReader(io.StringIO(self.mlbench("report", STORED, "--format", "csv").out)))
        self.assertEqual(len(rows), len(document["cases"]))
        for row, case in zip(rows, document["cases"]):
            self.assertEqual((row["case"], row["subject"], row["status"]), (case["case"], case["subject"], case["status"]))
            self.assertEqual(row["rate"] == "", case["rate"] is None)
            if case["rate"] is not None:
                self.assertAlmostEqual(float(row["rate"]) / case["rate"]["value"], 1, 10)
                self.assertAlmostEqual(float(row["time_median_s"]) / case["time_s"]["median"], 1, 10)
        text = self.mlbench("report", STORED).out
        markdown = self.mlbench("report", STORED, "--format", "markdown").out
        shown = [v["text"] for v in document["verdicts"] if v["a"] == "torch:mps" and v["b"] == "mlx:gpu" and v["text"]]
        self.assertGreater(len(shown), 5)
        for winner in shown:
            self.assertIn(winner, text)
            self.assertIn(winner, markdown.replace("\\", ""))

    def test_a_run_leaves_its_page(self):
        finished = self.run_fake()
        self.assert_code(finished, 0)
        name = self.journal().stem
        page = self.reports / f"{name}.html"
        self.assertIn(str(page), finished.out)
        self.assertTrue(page.read_text(encoding="utf-8").startswith("<!doctype html>"))
        again = self.mlbench("report", self.journal(), "--html", "--output", self.folder / "again.html")
        self.assert_code(again, 0)
        self.assertEqual(page.read_text(encoding="utf-8"), (self.folder / "again.html").read_text(encoding="utf-8"))

    def test_what_cannot_be_written_is_said(self):
        (self.folder / "file").write_text("")
        for where in (("--output", self.folder / "file" / "x.html"), ("--html", "--output", self.folder)):
            finished = self.mlbench("report", STORED, *where)
            self.assert_code(finished, 4)
            self.assertIn(str(self.folder), self.assert_one_sentence(finished))
        self.assert_code(self.mlbench("report", STORED, "--format", "docx"), 2)
        self.assert_code(self.mlbench("report", STORED, "--html", "--json"), 2)

    @unittest.skipIf(shutil.which("node") is None and not REQUIRED, "there is no Node.js on this system")
    def test_charts_become_pictures(self):
        charts = self.folder / "charts"
        finished = self.mlbench("report", STORED, "--svg", charts)
        self.assert_code(finished, 0)
        names = {p.name for p in charts.glob("*.svg")}
        self.assertLessEqual({"versus.svg", "versus-dark.svg", "roofline.svg", "rates-memory.svg"}, names)
        for name in names:
            text = (charts / name).read_text(encoding="utf-8")
            self.assertTrue(xml.etree.ElementTree.fromstring(text).tag.endswith("svg"), name)
            self.assertNotIn("var(--", text, name)
            self.assertIn(str((charts / name)), finished.err)
        self.assertIn("GEMM float16 4096", (charts / "versus.svg").read_text(encoding="utf-8"))
        if shutil.which("rsvg-convert") or REQUIRED:
            self.assertTrue((charts / "versus.png").read_bytes().startswith(b"\x89PNG"))
        else:
            self.assertIn("no PNG", finished.err)

    def test_without_node_one_sentence_says_so(self):
        env = {**self.environment(), "PATH": str(self.folder)}
        finished = self.mlbench("report", STORED, "--svg", self.folder / "charts", env=env)
        self.assert_code(finished, 3)
        self.assertIn("Node.js", self.assert_one_sentence(finished))


if __name__ == "__main__":
    harness.main()
