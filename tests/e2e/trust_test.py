"""Whether a verdict deserves trust: the controls of a run, `selfcheck`, and two environments in one run (`--env`, `--ab`).

The fake worker spins for set times, so what has to come out is known: a second process of itself that is secretly
slower, extra work that is not done, an environment whose calls take longer. Samples are well below a millisecond, so
that most of them are whole also where other programs share the cores.
"""

import json
import os
import pathlib
import shutil
import signal
import time

from harness import BIN, ON_LINUX, ROOT, MlbenchTest, main

# The budget makes two rows of blocks a round of six: enough for times that are known beforehand.
# The controls take 0.03 and 0.5 ms a call, larger products more, so that none is chosen whose check takes long.
WORK = {"MLBENCH_FAKE_CALL_S": "0.0002", "MLBENCH_FAKE_FLOP_PER_S": "3e10"}
# The same for the products of 1 and 20 ms that a self-check wants.
SLOW_WORK = {"MLBENCH_FAKE_CALL_S": "0.00001", "MLBENCH_FAKE_FLOP_PER_S": "3e9"}
SIX_ROUNDS = """\
benchmarks:
  compute: {gemm_sizes: [16], gemm_shapes: [], dtypes: [float32]}
  memory: {ops: [], sizes: [64KiB]}
  attention: {seq_lengths: []}
  operations: []
measure: {min_rounds: 6, max_rounds: 6, warmup_min: 0.004, warmup_max: 0.01, budget: 2s}
"""


class Trust(MlbenchTest):
    def setUp(self):
        super().setUp()
        self.config = self.write("six.yaml", SIX_ROUNDS)

    def with_work(self, fake="", work=WORK):
        """`second` in `fake` makes every second process of the worker take twice the time."""
        return self.environment(fake, **work, MLBENCH_FAKE_LOCK=self.folder / "first")


class Controls(Trust):
    """Every run compares a framework with itself, and with itself made slower."""

    def controls(self, fake):
        finished = self.run_fake("--json", env=self.with_work(fake))
        document = finished.json
        self.assert_code(finished, 0 if document["controls"]["trusted"] else 6)
        text = self.mlbench("report", self.journal())
        self.assert_code(text, 0)
        return document["controls"], text.out

    def test_an_honest_worker_is_equal_to_itself_and_its_extra_work_is_found(self):
        controls, text = self.controls("")
        self.assertTrue(controls["trusted"])
        self.assertEqual(controls["null"]["outcome"], "equal")
        self.assertEqual((controls["null"]["true_ratio"], controls["null"]["pairs"]), (1, 6))
        # "undecided" where other programs make the interval too wide to see 5 %; never "missed".
        self.assertIn(controls["positive"]["outcome"], ("found", "undecided"))
        self.assertEqual((controls["positive"]["true_ratio"], controls["positive"]["pairs"]), (1.05, 6))
        self.assertIn("5 % more work: ", text)
        self.assertNotIn("this run has no verdicts", text)

    def test_a_twin_that_is_secretly_slower_turns_the_null_control_red(self):
        controls, text = self.controls("block:second")
        self.assertFalse(controls["trusted"])
        self.assertEqual(controls["null"]["outcome"], "different")
        self.assertIn("A against A: DIFFERENT (", text)
        self.assertIn("this run has no verdicts: null control failed", text)

    def test_extra_work_that_is_left_out_turns_the_positive_control_red(self):
        for _ in range(3):  # "undecided" where other programs make the interval too wide to see 5 %; never "found"
            controls, text = self.controls("block:lazy")
            if controls["positive"]["outcome"] != "undecided":
                break
            shutil.rmtree(self.results)
        self.assertEqual(controls["positive"]["outcome"], "missed")
        self.assertIn("5 % more work: MISSED", text)
        self.assertIn("this run has no verdicts: positive control missed", text)


class Selfcheck(Trust):
    def selfcheck(self, *args, fake=""):
        # With one CPU there is no second subject of one thread, which would take as long again.
        one_cpu = {"preexec_fn": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})} if ON_LINUX else {}
        return self.mlbench("selfcheck", "--worker", "fake", "--config", self.config, "--results", self.results,
                            "--budget", "2s", *args, env=self.with_work(fake, SLOW_WORK), **one_cpu)

    def test_an_honest_worker_raises_no_alarm_and_its_journals_can_be_regrouped(self):
        finished = self.selfcheck("--aa", "6", "--inject", "20%", "--json")
        self.assert_code(finished, 0)
        document = finished.json
        self.assertEqual(document["schema"], "mlbench.selfcheck/1")
        null = document["null"]
        self.assertEqual((null["comparisons"], null["without_verdict"]), (6, 0))
        self.assertLess(null["false_verdicts"], null["alarm_from"])
        self.assertLess(null["low"], 0.06)
        self.assertEqual(document["injected"]["change"], 0.2)
        self.assertEqual(document["injected"]["found"], document["injected"]["trials"])
        self.assertEqual(document["injected"]["wrong"], 0)
        self.assertFalse(document["alarm"])

        again = self.mlbench("selfcheck", "--from-journal", self.journal(), "--json")
        self.assert_code(again, 0)
        stored, regrouped = again.json["null"], again.json["regrouped"]
        self.assertGreaterEqual(stored["comparisons"], 6)  # all that the journal holds
        self.assertEqual(again.json["duration_s"], 0)
        self.assertGreater(regrouped["comparisons"], 1000)
        self.assertLess(regrouped["false_verdicts"] / regrouped["comparisons"], 0.2)
        text = self.mlbench("selfcheck", "--from-journal", self.journal())
        self.assertIn("REGROUPED   false verdicts", text.out)

    def test_a_machine_that_treats_equals_unequally_raises_the_alarm(self):
        finished = self.selfcheck("--aa", "5", "--inject", "5%", "--json", fake="block:second")
        self.assert_code(finished, 6)
        self.assertTrue(finished.json["alarm"])
        self.assertEqual(finished.json["null"]["false_verdicts"], 5)
        text = self.mlbench("selfcheck", "--from-journal", self.journal())
        self.assert_code(text, 6)
        self.assertIn("VERDICT     ALARM", text.out)

    def test_all_devices_are_checked_at_once_unless_one_is_asked_for(self):
        """On a recorded Mac whose frameworks are slow enough for small products to take 20 ms."""
        m5 = ROOT / "tests/data/rehearsal/m5-10core-24gb.json"
        recording = json.loads(m5.read_text(encoding="utf-8"))
        recording["sysctl"] = str((m5.parent / recording["sysctl"]).resolve())
        for worker in recording["workers"].values():
            for device, facts in worker["devices"].items():
                facts["invented_rates"] = {"float32_flop_per_s": 2e9 if device == "cpu" else 4e9, "bytes_per_s": 1e11}
        machine = self.write("slow.json", json.dumps(recording))
        two = self.write("two.yaml", SIX_ROUNDS.replace("min_rounds: 6, max_rounds: 6", "min_rounds: 1, max_rounds: 1"))
        for args, kinds in (((), {"cpu", "mps"}), (("--device", "gpu"), {"mps"})):
            with self.subTest(args):
                finished = self.mlbench("selfcheck", "--rehearsal", machine, "--config", two, "--results", self.results,
                                        "--worker", "torch", "--aa", "1", "--inject", "50%", "--budget", "1s", "--json",
                                        *args)
                self.assert_code(finished, 0)
                self.assertEqual(finished.json["rehearsal"], "M5 10-core, 24 GB")
                [journal] = finished.json["journals"]
                lines = map(json.loads, pathlib.Path(journal).read_text(encoding="utf-8").splitlines())
                controls = [line for line in lines if line["type"] == "case" and "control" in line]
                subjects = {c["control"]["subject"] for c in controls}
                self.assertEqual({s.split(":")[1] for s in subjects}, kinds)
                for subject in subjects:
                    sizes = {(c["control"]["extra_work"], c["params"]["n"])
                             for c in controls if c["control"]["subject"] == subject}
                    self.assertEqual(len(sizes), 4, sizes)  # short and long, as they are and with more work

    def test_failures_are_one_sentence(self):
        self.assert_error(self.selfcheck("--inject", "80%", "--json"), 2, "usage", "--inject", "80%")
        self.assert_error(self.mlbench("selfcheck", "--budget", "soon", "--json"), 2, "usage", "--budget")
        self.assert_error(self.mlbench("selfcheck", "--config", self.folder / "none.yaml", "--json"), 2, "usage", "none.yaml")
        old = ROOT / "tests/data/journals/v1-epyc-quick.jsonl"
        self.assert_error(self.mlbench("selfcheck", "--from-journal", old, "--json"), 2, "usage",
                          "no null control")


class Environments(Trust):
    def versus(self, env, ab):
        finished = self.mlbench("run", "--config", self.config, "--results", self.results, "--reports", self.reports,
                                *[a for e in env for a in ("--env", e)], "--ab", ab, "--json",
                                env=self.with_work())
        self.assert_code(finished, 0)
        [verdict] = finished.json["verdicts"]
        return verdict, finished.json

    def test_variables_alone_make_an_environment_and_the_slower_one_is_found(self):
        verdict, document = self.versus(["slow=,MLBENCH_FAKE_CALL_S=0.0004"], "fake,fake@slow")
        self.assertEqual((verdict["a"], verdict["b"]), ("fake:cpu", "fake@slow:cpu"))
        self.assertEqual(verdict["verdict"], "faster")
        self.assertEqual(verdict["pairs"], 6)
        self.assertAlmostEqual(verdict["ratio"], 2, delta=0.5)
        self.assertEqual(len(document["subjects"]), 2)  # these two and nothing else
        stored = self.lines("run")[0]["subjects"]["environments"]
        self.assertEqual(stored[0]["variables"], [["MLBENCH_FAKE_CALL_S", "0.0004"]])

    def test_the_workers_of_an_environment_come_from_its_folder(self):
        folder = self.folder / "copy"
        folder.mkdir()
        shutil.copy(BIN / "mlbench-worker-fake", folder)
        verdict, _ = self.versus([f"copy={folder}"], "fake,fake@copy")
        # Whether the same program comes out equal is a matter of rates: mlbench selfcheck.
        self.assertEqual((verdict["b"], verdict["pairs"]), ("fake@copy:cpu", 6))
        self.assertLess(abs(verdict["ratio"] - 1), 0.5)
        stored = self.lines("run")[0]["subjects"]["environments"]
        self.assertEqual(stored[0]["workers"], str(folder))

    def test_a_run_of_environments_is_compared_and_resumed_with_them(self):
        self.versus(["slow=,MLBENCH_FAKE_CALL_S=0.0004"], "fake@slow,fake")
        compared = self.mlbench("compare", self.journal(), "--gate", "3%", "--json")
        self.assert_code(compared, 0)
        [verdict] = compared.json["verdicts"]
        self.assertEqual((verdict["b"], verdict["a"], verdict["verdict"]), ("fake@slow:cpu", "fake:cpu", "faster"))
        resumed = self.mlbench("run", "--resume", self.journal(), "--reports", self.reports, "--json",
                               env=self.with_work())
        self.assert_code(resumed, 0)
        self.assertEqual({s["subject"]: s["status"] for s in resumed.json["subjects"]},
                         {"fake@slow:cpu": "ok", "fake:cpu": "ok"})

    def test_failures_are_one_sentence(self):
        lonely = self.folder / "python"
        lonely.write_text("")
        for env, ab, code, kind, words in (
                (["a"], "fake,fake@a", 2, "usage", ("NAME=PYTHON",)),
                (["a=/nowhere/python"], "fake,fake@a", 2, "usage", ("/nowhere/python", "does not exist")),
                ([f"a={self.folder}"], "fake,fake@a", 2, "usage", ("neither a Python nor a folder with workers",)),
                ([f"a={lonely}"], "fake,fake@a", 3, "unsupported", ("are not built", "./mlbench setup --python")),
                (["a="], "fake,fake@a", 2, "usage", ("changes nothing",)),
                (["a=,X=1", "a=,X=2"], "fake,fake@a", 2, "usage", ("given twice",)),
                (["again=,X=1"], "fake,fake@again", 2, "usage", ("the program needs itself",)),
                (["a=,X=1"], "fake,fake@b", 2, "usage", ("no environment is called b",)),
                (["a=,X=1"], "fake", 2, "usage", ("two different sides",)),
                (["a=,X=1"], "fake:cpu,fake@a", 2, "usage", ("names a device",))):
            with self.subTest(env=env, ab=ab):
                finished = self.mlbench("run", "--config", self.config, "--results", self.results,
                                        *[a for e in env for a in ("--env", e)], "--ab", ab, "--json")
                self.assert_error(finished, code, kind, *words)


class AsUsed(Trust):
    """`--alone`: each side by itself after work without a pause, beside the interleaved comparison."""

    def test_both_ratios_stand_side_by_side(self):
        finished = self.mlbench("run", "--config", self.config, "--results", self.results, "--reports", self.reports,
                                "--env", "slow=,MLBENCH_FAKE_CALL_S=0.0004", "--ab", "fake,fake@slow", "--alone",
                                "--sustain", "0.2s", "--budget", "60s", "--json", env=self.with_work())
        self.assert_code(finished, 0)
        cases = self.entries(finished.json)
        self.assertEqual(set(cases), {"gemm/float32/16", "gemm/float32/16/alone"})
        [both] = finished.json["as_used"]
        self.assertEqual(both["case"], "gemm/float32/16")
        self.assertAlmostEqual(both["together"]["ratio"], 2, delta=0.5)
        self.assertAlmostEqual(both["alone"]["ratio"], 2, delta=0.5)
        self.assertAlmostEqual(both["change"]["ratio"], 1, delta=0.3)
        self.assertNotIn("gemm/float32/16/alone", str(finished.json["key_finding"]))
        self.assertIn("AS USED", self.mlbench("report", self.journal()).out)

        # Alone: 0.2 s of work before each process's blocks, as many calls a sample, nobody else alive.
        alone = "gemm/float32/16/alone"
        for warm in self.lines("warm"):
            if warm["case"] == alone:
                self.assertGreater(warm["first_call_s"] + sum(warm["samples_s"]), 0.15)
        calls = {b["case"]: b["calls"] for b in self.lines("block")}
        self.assertEqual(calls[alone], calls["gemm/float32/16"])
        for slot in self.lines("slot"):
            self.assertEqual(len(slot["subjects"]), 1 if slot["case"] == alone else 2, slot)
        self.assertFalse(any("waiters_cpu_s" in b for b in self.lines("block") if b["case"] == alone))


class OutsideEvents(Trust):
    """A machine that stands still spoils a block, whatever it measures."""

    def test_blocks_that_a_pause_hit_are_in_no_ratio(self):
        case = "gemm/float32/16"
        for _ in range(10):  # a stop between two blocks hits none, and one a moment later that of a control
            process = self.start(*self.run_args("--env", "slow=,MLBENCH_FAKE_CALL_S=0.0004", "--ab", "fake,fake@slow",
                                                "--json", workers=()), env=self.with_work())
            self.wait_until(lambda: any(self.results.glob("*.jsonl")) and
                            any(b["case"] == case for b in self.lines("block")[-1:]), "a block of the case")
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(1)
            os.kill(process.pid, signal.SIGCONT)
            finished = self.wait(process)
            self.assert_code(finished, 0)
            hit = [b for b in self.lines("block") if "outside" in b and b["case"] == case]
            if hit:
                break
            shutil.rmtree(self.results)
        self.assertEqual([b["outside"] for b in hit], [["paused"]])
        [verdict] = finished.json["verdicts"]
        self.assertIn("outside_event", verdict["flags"])
        self.assertEqual((verdict["verdict"], verdict["pairs"]), ("faster", 6))
        self.assertIn("outside_event (docs/warnings.md)", self.mlbench("report", self.journal()).out)


if __name__ == "__main__":
    main()
