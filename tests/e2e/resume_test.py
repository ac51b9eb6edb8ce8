"""A run that is killed or interrupted keeps what it measured, leaves nobody behind, and can go on."""

import json
import os
import signal
import unittest

from harness import ALL_CASES, GEMM_16, MlbenchTest, ON_LINUX, is_alive, main

# Six rounds, so that there are verdicts.
WITH_VERDICTS = """\
benchmarks:
  compute: {gemm_sizes: [16, 24], gemm_shapes: [], dtypes: [float32]}
  memory: {ops: [], sizes: [64KiB]}
  attention: {seq_lengths: []}
  operations: []
measure: {min_rounds: 6, max_rounds: 6, warmup_min: 0.004, warmup_max: 0.01, budget: 60s}
"""
PAIR = ("fake@a", "fake@b")


def verdicts_in(lines):
    """The verdict lines of a journal without their type, the last of each case and pair."""
    found = {}
    for line in lines:
        if line["type"] == "verdict":
            found[line["case"], line["a"], line["b"]] = {k: v for k, v in line.items() if k != "type"}
    return found


class Stored(MlbenchTest):
    def setUp(self):
        super().setUp()
        self.config = self.write("verdicts.yaml", WITH_VERDICTS)

    def report(self):
        finished = self.mlbench("report", "--json", self.journal())
        self.assert_code(finished, 0)
        return finished.json

    def assert_verdicts_are_complete(self, document):
        self.assertEqual(len(document["verdicts"]), 2)
        for v in document["verdicts"]:
            self.assertNotEqual(v["verdict"], "invalid", v)
            self.assertGreaterEqual(v["pairs"], 6)
            self.assertTrue(0 < v["low"] <= v["ratio"] <= v["high"], v)

    def test_verdicts_can_be_recomputed_bit_for_bit(self):
        finished = self.run_fake("--json", workers=PAIR)
        self.assert_code(finished, 0)
        printed = finished.json
        self.assert_verdicts_are_complete(printed)
        again = self.report()
        self.assertEqual(again, printed)
        stored = verdicts_in(self.lines())
        self.assertEqual(stored, {(v["case"], v["a"], v["b"]): v for v in again["verdicts"]})
        self.assertEqual(len(list(self.reports.glob("*.txt"))), 1)
        if ON_LINUX and len(os.sched_getaffinity(0)) > 1: self.assert_placed()

    def assert_placed(self):
        """Processes of one thread are placed on one CPU, which changes from round to round."""
        placed = {}
        for slot in self.lines("slot"):
            self.assertIn(slot["cpu"], os.sched_getaffinity(0))
            placed.setdefault(slot["round"], set()).add(slot["cpu"])
        self.assertEqual({len(cpus) for cpus in placed.values()}, {1})
        self.assertGreater(len({cpu for cpus in placed.values() for cpu in cpus}), 1)

    def test_kill_loses_at_most_the_line_in_flight(self):
        process = self.start(*self.run_args("--json", workers=PAIR))
        self.wait_until(lambda: self.count('"type":"round"') >= 2, "two rounds")
        os.kill(process.pid, signal.SIGKILL)
        killed = self.wait(process)
        self.assertEqual(killed.code, -signal.SIGKILL)

        text = self.journal().read_text(encoding="utf-8")
        whole, _, half = text.rpartition("\n")
        for line in whole.splitlines():
            json.loads(line)  # every line but the last is whole
        self.assertNotIn("\n", half)
        self.wait_until(lambda: not any(is_alive(p["pid"]) for p in self.lines("process")), "workers to end")

        partial = self.report()
        self.assertIsNone(partial["ending"])
        self.assertEqual({c["status"] for c in partial["cases"]}, {"ok"})

        resumed = self.mlbench("run", "--json", "--resume", self.journal(), "--reports", self.reports)
        self.assert_code(resumed, 0)
        self.assert_verdicts_are_complete(resumed.json)
        self.assertEqual(resumed.json["ending"], "finished")
        self.assertTrue(self.journal().read_text(encoding="utf-8").startswith(whole))
        self.assertEqual(self.report(), resumed.json)

    def test_no_blocks_of_two_processes_are_mixed(self):
        """After a kill in the middle of a round, each round's blocks come from one process a subject."""
        process = self.start(*self.run_args(workers=PAIR))
        self.wait_until(lambda: self.count('"type":"slot"') >= 3 and self.count('"type":"block"') >= 38,
                        "blocks of an unfinished slot")
        os.kill(process.pid, signal.SIGKILL)
        self.wait(process)
        self.assert_code(self.mlbench("run", "--resume", self.journal(), "--reports", self.reports), 0)
        owner, rows = {}, set()
        pid = {}
        for line in self.lines():
            if line["type"] == "process":
                pid[line["subject"]] = line["pid"]
            if line["type"] == "block":
                key = line["round"], line["subject"]
                self.assertEqual(owner.setdefault(key, pid[line["subject"]]), pid[line["subject"]], line)
                self.assertNotIn((*key, line["case"], line["row"]), rows)
                rows.add((*key, line["case"], line["row"]))

    def test_interrupt_ends_cleanly_with_a_report(self):
        process = self.start(*self.run_args("--json", workers=PAIR))
        self.wait_until(lambda: self.count('"type":"round"') >= 1, "a round")
        process.send_signal(signal.SIGINT)
        finished = self.wait(process)
        self.assert_code(finished, 130)
        self.assertEqual(finished.json["ending"], "interrupted")
        self.assertEqual({c["status"] for c in finished.json["cases"]}, {"ok"})
        self.assertEqual(self.lines("end")[-1]["ending"], "interrupted")
        self.assertFalse(any(is_alive(p["pid"]) for p in self.lines("process")))
        self.assertEqual(len(list(self.reports.glob("*.txt"))), 1)
        resumed = self.mlbench("run", "--json", "--resume", "last", "--results", self.results,
                               "--reports", self.reports)
        self.assert_code(resumed, 0)
        self.assert_verdicts_are_complete(resumed.json)

    def test_interrupt_of_a_worker_that_hangs(self):
        process = self.start(*self.run_args("--json"), fake=f"block@{GEMM_16}:hang")
        self.wait_until(lambda: self.count('"type":"warm"') >= 1, "a warm-up")
        process.send_signal(signal.SIGINT)
        finished = self.wait(process)
        self.assert_code(finished, 130)
        self.assertEqual(finished.json["ending"], "interrupted")
        self.assertFalse(any(is_alive(p["pid"]) for p in self.lines("process")))

    def test_interrupt_while_cases_are_tried(self):
        """Nothing is measured and nothing is declared too slow; --resume plans the whole run."""
        process = self.start(*self.run_args("--json", workers=PAIR), fake=f"warm@{GEMM_16}:hang")
        self.wait_until(lambda: self.count('"type":"process"') >= 1 or self.count('"type":"subject"') >= 2,
                        "the subjects")
        process.send_signal(signal.SIGINT)
        finished = self.wait(process)
        self.assert_code(finished, 130)
        self.assertEqual(finished.json["cases"], [])
        resumed = self.mlbench("run", "--json", "--config", self.config, "--resume", self.journal(),
                               "--reports", self.reports)
        self.assert_code(resumed, 0)
        self.assert_verdicts_are_complete(resumed.json)

    def test_resume_from_any_line(self):
        """A journal cut anywhere can be resumed: in its header, its subjects, its plan, its rounds."""
        self.config = self.write("quick.yaml", WITH_VERDICTS.replace("min_rounds: 6, max_rounds: 6",
                                                                     "min_rounds: 2, max_rounds: 2"))
        self.assert_code(self.run_fake(workers=PAIR), 0)
        whole = self.journal().read_bytes()
        lines = whole.splitlines(keepends=True)
        kinds = [json.loads(line)["type"] for line in lines]
        cuts = {1, kinds.index("plan") + 1, kinds.index("planned") - 1, kinds.index("block") + 3,
                len(lines) - 1}
        for cut in sorted(cuts):
            with self.subTest(cut=cut, before=kinds[cut]):
                part = b"".join(lines[:cut])
                self.journal().write_bytes(part + lines[cut][: len(lines[cut]) // 2])
                resumed = self.mlbench("run", "--json", "--config", self.config, "--resume", self.journal(),
                                       "--reports", self.reports)
                self.assert_code(resumed, 0)
                self.assertEqual(len(resumed.json["verdicts"]), 2)
                self.assertEqual({c["status"] for c in resumed.json["cases"]}, {"ok"})
                self.assertTrue(self.journal().read_bytes().startswith(part))

    def count(self, text):
        return sum(p.read_text(encoding="utf-8", errors="replace").count(text)
                   for p in self.results.glob("*.jsonl"))


class Journals(MlbenchTest):
    def test_truncated_journal_is_reported(self):
        self.assert_code(self.run_fake(), 0)
        whole = self.journal().read_bytes()
        self.journal().write_bytes(whole[: len(whole) * 2 // 3])
        finished = self.mlbench("report", "--json", self.journal())
        self.assert_code(finished, 0)
        self.assertEqual(set(self.entries(finished.json)), ALL_CASES)

    def test_broken_journals_are_refused_by_line(self):
        self.assert_code(self.run_fake(), 0)
        lines = self.journal().read_text(encoding="utf-8").splitlines()
        lines[4] = lines[4][:-3]
        self.journal().write_text("\n".join(lines) + "\n", encoding="utf-8")
        for command in ("report", "run"):
            with self.subTest(command=command):
                args = ("--resume", self.journal()) if command == "run" else (self.journal(),)
                self.assert_error(self.mlbench(command, "--json", *args), 4, "io", self.journal(), "line 5")

    def test_other_files_are_refused(self):
        page = self.write("page.jsonl", "<html>\n")
        self.assert_error(self.mlbench("report", "--json", page), 4, "io", page, "line 1")
        nothing = self.folder / "nothing"
        nothing.mkdir()
        self.assert_error(self.mlbench("report", "--json", nothing), 2, "usage", nothing)
        self.assert_error(self.mlbench("report", "--json", "last", "--results", self.results), 2, "usage",
                          self.results)
        empty = self.write("empty.jsonl", "")
        self.assert_error(self.mlbench("report", "--json", empty), 4, "io", empty, "empty")

    def test_several_journals_are_one_document(self):
        self.assert_code(self.run_fake(), 0)
        finished = self.mlbench("report", "--json", self.journal(), self.journal())
        self.assert_code(finished, 0)
        self.assertEqual(finished.json["schema"], "mlbench.reports/1")
        self.assertEqual(len(finished.json["reports"]), 2)


if __name__ == "__main__":
    main()
