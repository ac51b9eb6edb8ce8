"""Whatever else goes wrong ends in one sentence, the right exit code and, with --json, one document."""

import os
import pathlib
import shutil
import subprocess
import unittest

from harness import ALL_CASES, MLBENCH, MlbenchTest, ON_LINUX, main


class CommandLine(MlbenchTest):
    def test_help_needs_no_worker(self):
        lonely = self.folder / "lonely"
        lonely.mkdir()
        shutil.copy2(MLBENCH, lonely / "mlbench")
        env = self.environment(PATH="/nonexistent")
        for args in (["--help"], ["run", "--help"], ["--version"]):
            done = subprocess.run([lonely / "mlbench", *args], env=env, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.strip())
            self.assertEqual(done.stderr, "")

    def test_version(self):
        finished = self.mlbench("--version")
        self.assertRegex(finished.out, r"^mlbench \d+\.\d+\.\d+\n$")

    def test_no_framework_is_linked(self):
        tool = ["ldd"] if ON_LINUX else ["otool", "-L"]
        if shutil.which(tool[0]) is None:
            self.skipTest(f"there is no {tool[0]} here")
        done = subprocess.run([*tool, MLBENCH], capture_output=True, text=True, timeout=60, check=True)
        # Names only: addresses are random, and "c10" is a part of one now and then.
        linked = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("\t")]
        self.assertTrue(linked)
        for library in ("torch", "c10", "mlx", "blas", "cuda", "Metal", "python"):
            self.assertNotIn(library, " ".join(linked))

    def test_misspelt_command(self):
        self.assert_error(self.mlbench("reprot", "--json"), 2, "usage", '"reprot"', "did you mean report?")

    def test_misspelt_flag(self):
        self.assert_error(self.mlbench("run", "--bugdet", "5s", "--json"), 2, "usage", "--bugdet")

    def test_bad_values(self):
        for args, word in ((["--budget", "soon"], "--budget"), (["--target", "0"], "--target"),
                           (["--timeout", "-1s"], "--timeout"), (["--device", "tpu"], "--device"),
                           (["--mlx-blas", "none"], "--mlx-blas"),
                           (["--pytorch-only", "--mlx-only"], "--mlx-only"), (["--seed", "x"], "--seed"),
                           (["--quick", "--full"], "--full")):
            with self.subTest(args=args):
                self.assert_error(self.mlbench("run", "--json", *args), 2, "usage", word)
        self.assertFalse(self.results.exists())

    def test_no_case_matches(self):
        self.assert_error(self.run_fake("--json", "--only", "gem/*"), 2, "usage", "--only", "mlbench list")

    def test_only_chooses_cases(self):
        finished = self.run_fake("--json", "--only", "memory/*")
        self.assert_code(finished, 0)
        self.assertEqual(set(self.entries(finished.json)), {c for c in ALL_CASES if c.startswith("memory")})

    def test_unknown_run(self):
        self.assert_error(self.run_fake("--json", "--resume", "yesterday"), 2, "usage", '"yesterday"')


class Config(MlbenchTest):
    def assert_refused(self, text, *words):
        self.config = self.write("bad.yaml", text)
        finished = self.run_fake("--json")
        self.assert_error(finished, 2, "usage", "bad.yaml", *words)
        self.assertFalse(self.results.exists())  # nothing was begun

    def test_malformed(self):
        self.assert_refused("benchmarks:\n  compute: {gem_sizes: [16]}\n", ":2", "gem_sizes", "gemm_sizes")
        self.assert_refused("measure:\n  target: fast\n", ":2", "target")
        self.assert_refused("measure: [1\n", ":")
        self.assert_refused("\tmeasure: 1\n", ":1")

    def test_missing(self):
        self.config = self.folder / "none.yaml"
        self.assert_error(self.run_fake("--json"), 2, "usage", "none.yaml")

    def test_notices_reach_the_report(self):
        self.config = self.write("old.yaml", self.config.read_text() + "hardware: {expected_chip: Apple M9}\n")
        finished = self.run_fake("--json")
        self.assert_code(finished, 0)
        self.assertTrue(any("Apple M9" in d for d in finished.json["doubts"]), finished.json["doubts"])


class Workers(MlbenchTest):
    def test_missing_worker(self):
        finished = self.run_fake("--json", workers=("nonesuch",))
        self.assert_error(finished, 3, "unsupported", "mlbench doctor")
        subject = self.lines("subject")[-1]
        self.assertEqual(subject["status"], "unsupported")
        self.assertIn("mlbench-worker-nonesuch", subject["reason"])

    def test_missing_worker_beside_a_good_one(self):
        finished = self.run_fake("--json", workers=("nonesuch", "fake"))
        self.assert_code(finished, 0)
        self.assertEqual([s["status"] for s in finished.json["subjects"]], ["unsupported", "ok"])
        self.assertTrue(any("mlbench-worker-nonesuch" in d for d in finished.json["doubts"]))

    def test_worker_that_is_no_program(self):
        folder = self.folder / "bin"
        folder.mkdir()
        worker = folder / "mlbench-worker-broken"
        worker.write_text("not a program")
        worker.chmod(0o755)
        env = self.environment(PATH=f"{folder}:{os.environ['PATH']}")
        finished = self.run_fake("--json", workers=("broken", "fake"), env=env)
        self.assert_code(finished, 0)
        self.assertIn("mlbench-worker-broken", finished.json["subjects"][0]["reason"])

    def test_worker_on_path_written_in_another_language(self):
        """Whoever speaks the protocol is a framework: here a shell script that knows nothing."""
        folder = self.folder / "bin"
        folder.mkdir()
        worker = folder / "mlbench-worker-script"
        worker.write_text("""#!/bin/sh
echo '{"type":"hello","protocol":1,"worker":"script","framework_version":"0.1","devices":["cpu"],"workloads":[]}'
id=0
while read -r line; do
  id=$((id + 1))
  case $line in
    *'"describe"'*) echo "{\\"id\\":$id,\\"ok\\":true,\\"framework_version\\":\\"0.1\\"}" ;;
    *'"bye"'*) echo "{\\"id\\":$id,\\"ok\\":true}"; exit 0 ;;
    *) echo "{\\"id\\":$id,\\"ok\\":false,\\"error\\":{\\"kind\\":\\"unsupported\\",\\"message\\":\\"not yet\\"}}" ;;
  esac
done
""")
        worker.chmod(0o755)
        env = self.environment(PATH=f"{folder}:{os.environ['PATH']}")
        finished = self.run_fake("--json", workers=("script", "fake"), env=env)
        self.assert_code(finished, 0)
        status = {(c["subject"], c["status"]) for c in finished.json["cases"]}
        self.assertEqual(status, {("script:cpu", "unsupported"), ("fake:cpu", "ok")})


class Folders(MlbenchTest):
    def test_file_in_the_place_of_the_results_folder(self):
        self.results.write_text("not a folder")
        self.assert_error(self.run_fake("--json"), 4, "io", self.results, "--results")

    def test_file_in_the_place_of_the_reports_folder(self):
        """The run is kept: the document is printed, the trouble told, and the exit code says io."""
        self.reports.write_text("not a folder")
        finished = self.run_fake("--json")
        self.assert_code(finished, 4)
        self.assertEqual(finished.json["schema"], "mlbench.report/1")
        self.assertIn(str(self.reports), self.assert_one_sentence(finished))
        self.assertEqual(self.lines("end")[0]["ending"], "finished")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_unwritable_results_folder(self):
        self.results.mkdir()
        self.results.chmod(0o555)
        self.assert_error(self.run_fake("--json"), 4, "io", self.results)

    @unittest.skipUnless(ON_LINUX, "only Linux has /proc, into which nobody can write")
    def test_results_folder_that_nobody_can_make(self):
        self.results = pathlib.Path("/proc/mlbench/raw")
        self.assert_error(self.run_fake("--json"), 4, "io", self.results, "--results")

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full here")
    def test_stdout_that_is_full(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([MLBENCH, "list", "--no-trial", "--json"], stdout=full, stderr=subprocess.PIPE,
                                  env=self.environment(), cwd=self.folder, timeout=60)
        self.assertEqual(done.returncode, 4, done.stderr)

    @unittest.skipUnless(ON_LINUX and os.geteuid() == 0, "only root can mount a small disk")
    def test_disk_full(self):
        """The journal keeps what fitted, and --resume goes on once there is room."""
        self.results.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", self.results],
                                 stderr=subprocess.PIPE)
        if mounted.returncode != 0:
            self.skipTest("this machine does not let root mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", self.results], stderr=subprocess.DEVNULL)
        finished = self.run_fake("--json")
        self.assert_error(finished, 4, "io", self.results, "No space left", "--resume")
        self.assert_code(self.mlbench("report", "--json", self.journal()), 0)
        subprocess.run(["mount", "-o", "remount,size=8m", self.results], check=True)
        resumed = self.mlbench("run", "--json", "--resume", self.journal(), "--config", self.config,
                               "--reports", self.reports)
        self.assert_code(resumed, 0)
        self.assertEqual({c["status"] for c in resumed.json["cases"]}, {"ok"})


class OtherCommands(MlbenchTest):
    def assert_document(self, schema, *args, codes=(0,), **options):
        finished = self.mlbench(*args, "--json", **options)
        self.assertIn(finished.code, codes, str(finished))
        self.assertEqual(finished.json["schema"], schema)
        return finished.json

    def test_list_without_trial(self):
        document = self.assert_document("mlbench.list/1", "list", "--no-trial", "--config", self.config)
        self.assertEqual({c["case"] for c in document["cases"]}, ALL_CASES)

    def test_list_with_trial(self):
        document = self.assert_document("mlbench.list/1", "list", "--worker", "fake", "--config", self.config)
        self.assertEqual({c["case"]: c["status"] for c in document["cases"]}, dict.fromkeys(ALL_CASES, "planned"))
        for c in document["cases"]:
            self.assertGreater(c["estimated_call_s"]["fake:cpu"], 0)

    def test_list_leaves_nothing_behind(self):
        self.assert_document("mlbench.list/1", "list", "--worker", "fake", "--config", self.config)
        self.assertFalse(self.results.exists())

    def test_discovery_only(self):
        document = self.assert_document("mlbench.discover/1", "run", "--discovery-only")
        self.assertIn("cpu", document["machine"])

    def test_doctor_bundle_holds_no_names(self):
        self.assert_code(self.run_fake(), 0)
        bundle = self.folder / "bundle.json"
        temporary = self.folder / "k7q"
        temporary.mkdir()
        log = min(self.results.glob("*.logs/fake*.log"))
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"/home/alice0/secret read by alice0 in {temporary}/x\n")
        (self.folder / "build").mkdir()
        (self.folder / "build/setup.log").write_text("pip found /home/alice0/.config\n")
        self.assert_document("mlbench.doctor/1", "doctor", "--results", self.results, "--bundle", bundle, codes=(0, 3),
                             env=self.environment(HOME="/home/alice0", USER="alice0", TMPDIR=temporary))
        text = bundle.read_text(encoding="utf-8")
        for kept in ("mlbench.journal/1", "<home>/secret read by <user> in <tmp>/x", "pip found <home>/.config"):
            self.assertIn(kept, text)
        for private in ("alice0", "k7q"):
            self.assertNotIn(private, text)

    def test_doctor_bundle_that_cannot_be_written(self):
        finished = self.mlbench("doctor", "--json", "--results", self.results, "--bundle", self.folder)
        self.assert_error(finished, 4, "io", self.folder, "--bundle")


if __name__ == "__main__":
    main()
