"""Whatever a worker does costs one case, is named in table and JSON, and the run goes on."""

import os
import resource
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
