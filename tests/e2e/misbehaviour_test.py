"""Whatever a worker does costs one case, is named in table and JSON, and the run goes on."""

import os
import resource
import shutil
import unittest

from harness import ALL_CASES, COPY, GEMM_16, GEMM_24, MlbenchTest, ON_LINUX, main


class MisbehavingWorker(MlbenchTest):
    def assert_costs_one_case(self, fake, status, *words, args=(), **options):
        """`fake` concerns gemm 16 alone: that case gets `status`, the others stay ok."""
        finished = self.run_fake("--json", *args, fake=fake, **options)
        self.assert_code(finished, 0 if status == "unsupported" else 6)
        entries = self.entries(finished.json)
        self.assertEqual(set(entries), ALL_CASES)
        bad = entries[GEMM_16]
        self.assertEqual(bad["status"], status, bad)
        for word in words:
            self.assertIn(word, bad["reason"])
        self.assertIsNone(bad["rate"])
        for case in (GEMM_24, COPY):
            self.assertEqual(entries[case]["status"], "ok", entries[case])
            self.assertGreater(entries[case]["rate"]["value"], 0)
        text = self.mlbench("report", self.journal())
        self.assert_code(text, 0)
        self.assertIn("GEMM float32 16", text.out)
        self.assertIn(status, text.out)
        return bad

    def test_good_worker(self):
        finished = self.run_fake("--json")
        self.assert_code(finished, 0)
        self.assertEqual({c["status"] for c in finished.json["cases"]}, {"ok"})
        self.assertEqual(finished.json["ending"], "finished")

    def test_printing_on_stdout_is_harmless(self):
        everywhere = ",".join(f"{s}:print" for s in ("describe", "prepare", "warm", "block", "verify", "release"))
        finished = self.run_fake("--json", fake="hello:print," + everywhere)
        self.assert_code(finished, 0)
        self.assertEqual({c["status"] for c in finished.json["cases"]}, {"ok"})
        self.assertNotIn("says hello", finished.out)

    def test_crash_in_each_step(self):
        for step in ("prepare", "verify", "warm", "block"):
            with self.subTest(step=step):
                self.setUp()
                self.assert_costs_one_case(f"{step}@{GEMM_16}:crash", "crashed", "SIGSEGV",
                                           "touch memory that is not there")

    def test_exit(self):
        self.assert_costs_one_case(f"block@{GEMM_16}:exit", "crashed", "exit code 3")

    def test_killed(self):
        self.assert_costs_one_case(f"block@{GEMM_16}:kill", "crashed", "SIGKILL")

    def test_hang(self):
        self.assert_costs_one_case(f"block@{GEMM_16}:hang", "timed_out", "no answer to",
                                   args=("--timeout", "3s"))

    def test_hang_while_preparing(self):
        self.assert_costs_one_case(f"prepare@{GEMM_16}:hang", "timed_out", "no answer to prepare",
                                   args=("--timeout", "3s"))

    def test_rubbish(self):
        self.assert_costs_one_case(f"block@{GEMM_16}:rubbish", "failed", "this is not JSON")

    def test_half_a_line(self):
        self.assert_costs_one_case(f"verify@{GEMM_16}:half", "crashed", "during verify")

    def test_huge_line(self):
        bad = self.assert_costs_one_case(f"block@{GEMM_16}:huge", "failed", "16 MiB")
        self.assertLess(len(bad["reason"]), 300)

    def test_exception(self):
        self.assert_costs_one_case(f"block@{GEMM_16}:throw", "failed", "the framework is unhappy")

    def test_out_of_memory(self):
        self.assert_costs_one_case(f"block@{GEMM_16}:oom", "out_of_memory")

    def test_out_of_memory_while_preparing(self):
        self.assert_costs_one_case(f"prepare@{GEMM_16}:oom", "out_of_memory")

    def test_refusal(self):
        self.assert_costs_one_case(f"prepare@{GEMM_16}:refuse", "unsupported", "refuses gemm/float32/16")

    def test_wrong_outputs(self):
        for manner, word in (("wrong", "expected"), ("nan", "nan"), ("dtype", "float64"), ("float16", "expected"),
                             ("partial", "expected"), ("axis", "expected"), ("inputs", "expected")):
            with self.subTest(manner=manner):
                self.setUp()
                bad = self.assert_costs_one_case(f"verify@{GEMM_16}:{manner}", "wrong_result", word)
                self.assertFalse(bad["check"]["ok"])

    def test_large_outputs_are_compared_after_timing_too(self):
        """Over 16 MiB by a digest of the output that was checked before; where it differs the output is read again."""
        large = "memory/float32/copy_20MiB"
        with open(self.config) as file: text = file.read()
        self.config = self.write("large.yaml", text.replace("64KiB", "20MiB"))
        for fake, status in (("", "ok"), (f"verify@{large}:late", "wrong_result")):
            with self.subTest(fake=fake):
                finished = self.run_fake("--json", "--only", large, fake=fake)
                self.assertEqual(self.entries(finished.json)[large]["status"], status, finished)
                last = [c for c in self.lines("check") if c["source"] == "last" and c["subject"] == "fake:cpu" and c["case"] == large]
                self.assertEqual("digest" in last[0]["method"], status == "ok", last)
                shutil.rmtree(self.results)

    def test_wrong_outputs_are_told_in_the_checks_line(self):
        finished = self.run_fake(fake=f"verify@{GEMM_16}:wrong")
        self.assert_code(finished, 6)
        self.assertIn("right answers: NO: 1 of 3 wrong", finished.out)

    def test_crash_while_releasing_keeps_what_was_measured(self):
        finished = self.run_fake("--json", fake="release:crash")
        self.assert_code(finished, 6)  # a worker that crashes is told, wherever it does
        self.assertEqual(self.lines("end")[0]["ending"], "finished")

    def test_one_of_two_subjects(self):
        """The other subject goes on and has its rate; the pair gets no verdict but the reason."""
        finished = self.run_fake("--json", workers=("fake@a", "fake@b"),
                                 env=self.environment(f"block@{GEMM_16}:crash"))
        self.assert_code(finished, 6)
        verdicts = {v["case"]: v for v in finished.json["verdicts"]}
        self.assertEqual(verdicts[GEMM_16]["verdict"], "invalid")
        self.assertIsNone(verdicts[GEMM_16]["ratio"])
        self.assertIn("crashed", verdicts[GEMM_16]["sentence"])


class MisbehavingFromTheStart(MlbenchTest):
    """A worker that cannot be greeted or described: the subject is named with its reason."""

    def assert_no_subject(self, fake, status, *words, args=()):
        finished = self.run_fake("--json", *args, fake=fake)
        self.assert_error(finished, 3, "unsupported", "mlbench doctor")
        subject = self.lines("subject")[-1]
        self.assertEqual(subject["status"], status, subject)
        for word in words:
            self.assertIn(word, subject["reason"])

    def test_wrong_protocol_version(self):
        self.assert_no_subject("hello:version", "unsupported", "protocol version 99", "this program version 1")

    def test_crash(self):
        self.assert_no_subject("describe:crash", "crashed", "SIGSEGV")

    def test_rubbish_greeting(self):
        self.assert_no_subject("hello:rubbish", "unsupported", "this is not JSON")

    def test_hang(self):
        self.assert_no_subject("describe:hang", "timed_out", "describe", args=("--timeout", "2s"))

    def test_refusal(self):
        self.assert_no_subject("describe:refuse", "unsupported", "no device cpu")


class Waiting(MlbenchTest):
    """Before anything is measured each subject shows that its times include the work."""

    def test_worker_that_waits(self):
        finished = self.run_fake()
        self.assert_code(finished, 0)
        self.assertIn("device waited for: yes", finished.out)
        test = self.lines("self_test")[0]
        self.assertIs(test["waited"], True, test)
        for e in test["evidence"]:
            self.assertGreater(e["fourfold_s"], e["once_s"])

    def assert_refused(self, fake, words):
        finished = self.run_fake("--json", fake=fake)
        self.assert_error(finished, 3, "unsupported", "wait for its device")
        subject = self.lines("subject")[-1]
        self.assertEqual(subject["status"], "failed", subject)
        self.assertIn(words, subject["reason"])
        self.assertEqual(self.lines("block"), [])
        text = self.mlbench("report", self.journal())
        self.assertIn("device waited for: NO: fake", text.out)

    def test_worker_that_only_submits(self):
        """Threads still compute when run() returns, and times grow with the calls: reading the result tells."""
        self.assert_refused("run:async", "could be read only")

    def test_worker_that_leaves_calls_out(self):
        if "-fsanitize" in os.environ.get("MLBENCH_CXX_FLAGS", ""):
            self.skipTest("the products by which it is looked for take minutes under sanitizers")
        self.assert_refused("run:skip", "its times do not follow the work")

    def test_worker_that_breaks_down_is_not_tested_but_measured(self):
        finished = self.run_fake("--json", fake="block@memory/*:crash")
        self.assert_code(finished, 6)
        self.assertEqual(self.entries(finished.json)[GEMM_16]["status"], "ok")
        self.assertTrue(any("was not seen to wait" in d for d in finished.json["doubts"]), finished)


class Limits(MlbenchTest):
    def test_two_limits_are_two_rows(self):
        if "-fsanitize" in os.environ.get("MLBENCH_CXX_FLAGS", ""):
            self.skipTest("sanitizers reserve terabytes of address space")
        finished = self.mlbench("discover", "--limits", "--limits-share", "2%", "--json")
        self.assert_code(finished, 0)
        rows = {(r["name"], r["subject"]): r for r in finished.json["limits"]}
        self.assertGreater(rows["memory_total", None]["read_bytes"], 0)
        for name in ("largest_allocation", "total_touched"):
            row = rows[name, "native:cpu"]
            self.assertGreater(row["measured_bytes"], 16 << 20, row)
            self.assertIn("2 % of the", row["source"])
        self.assertGreaterEqual(rows["total_touched", "native:cpu"]["measured_bytes"],
                                rows["largest_allocation", "native:cpu"]["measured_bytes"])
        self.assertIn(("speed_collapse", "native:cpu"), rows)

    def test_a_share_that_leaves_nothing_is_refused(self):
        for share in ("0%", "95%", "much"):
            self.assert_error(self.mlbench("discover", "--limits", "--limits-share", share, "--json"), 2, "usage",
                              "--limits-share", share)

    @unittest.skipUnless(ON_LINUX, "memory limits of processes are kept by Linux only")
    def test_what_the_system_refuses_is_between_two_sizes(self):
        """A process that may take 900 MiB: the answer is a range that holds the limit, not a step."""
        if "-fsanitize" in os.environ.get("MLBENCH_CXX_FLAGS", ""):
            self.skipTest("sanitizers reserve terabytes of address space")
        limit = 900 << 20
        finished = self.mlbench("discover", "--limits", "--limits-share", "10%", "--json",
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        self.assert_code(finished, 0)
        rows = {r["name"]: r for r in finished.json["limits"] if r["subject"] == "native:cpu"}
        row = rows["largest_allocation"]
        if row["refused_bytes"] is None:
            self.skipTest("less than 900 MiB are a tenth of what is free here")
        # On a slow machine the search ends before its resolution; what it says stays true.
        self.assertLess(row["measured_bytes"], limit)
        self.assertLess(row["measured_bytes"], row["refused_bytes"])


@unittest.skipUnless(ON_LINUX, "memory limits of processes are kept by Linux only")
class MemoryLimit(MlbenchTest):
    def test_worker_that_reaches_its_limit(self):
        """A real allocation that fails: the big case runs out of memory, the small ones are measured."""
        if "-fsanitize" in os.environ.get("MLBENCH_CXX_FLAGS", ""):
            self.skipTest("sanitizers reserve terabytes of address space")
        self.config = self.write("big.yaml", """\
benchmarks:
  compute: {gemm_sizes: [16], gemm_shapes: [], dtypes: [float32]}
  memory: {ops: [copy], sizes: [64KiB, 256MiB]}
  attention: {seq_lengths: []}
  operations: []
measure: {min_rounds: 2, max_rounds: 2, warmup_min: 0.004, warmup_max: 0.01}
""")
        limit = 400 << 20
        finished = self.run_fake(
            "--json", "--full", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assert_code(finished, 6)
        entries = self.entries(finished.json)
        self.assertEqual(entries["memory/float32/copy_256MiB"]["status"], "out_of_memory")
        self.assertEqual(entries[GEMM_16]["status"], "ok")
        self.assertEqual(entries[COPY]["status"], "ok")


if __name__ == "__main__":
    main()
