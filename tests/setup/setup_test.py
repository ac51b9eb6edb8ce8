"""Runs ./mlbench on pretended machines: a PATH that holds fake_tool under the names of the tools it calls.

Nothing is installed and nothing is built, so the tests say what the script does and in which order, under
every shell of this machine that it promises to run under. Only Python's own library is used.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
FAKE_TOOL = Path(__file__).resolve().parent / "fake_tool"
FAKED = ["apt-cache", "apt-get", "c++", "cmake", "ctest", "dpkg-query", "id", "ninja", "python3", "sudo", "uname"]
REAL = ["awk", "basename", "cat", "chmod", "cksum", "cp", "cut", "date", "env", "find", "git", "grep", "head", "ln", "ls", "mkdir",
        "mv", "printf", "ps", "readlink", "rm", "rmdir", "sed", "sh", "sleep", "tail", "touch", "tr", "true", "xargs"]
PACKAGES = ["nlohmann-json3-dev", "libcli11-dev", "libfmt-dev", "libyaml-cpp-dev", "libopenblas0-pthread"]
SHELLS = [["sh"], ["dash"], ["bash"], ["bash", "--posix"], ["zsh"], ["mksh"], ["yash"], ["busybox", "sh"]]


class Machine:
    """A pretended machine with a clone of the script, in a folder whose name has a space."""

    def __init__(self, folder, tools=(), without=(), **facts):
        self.folder = Path(folder)
        self.state = self.folder / "state"
        self.root = self.folder / "the clone"
        self.bin = self.folder / "bin"
        for made in (self.state, self.bin, self.root / "tools", self.root / "src", self.root / "workers", self.root / "cmake"):
            made.mkdir(parents=True)
        for name in ("mlbench", "requirements.txt", "Brewfile", "tools/setup.sh", "tools/checks.sh"):
            shutil.copy(SOURCE / name, self.root / name)
        (self.root / "CMakeLists.txt").write_text("project(mlbench VERSION 7.8.9 LANGUAGES CXX)\n")
        (self.root / "CMakePresets.json").write_text("{}\n")
        (self.root / "src/a.cpp").write_text("\n")
        (self.state / "installed").write_text("")
        for name in set(FAKED) | set(tools):
            if name not in without:
                shutil.copy(FAKE_TOOL, self.bin / name)
        for name in REAL:
            if shutil.which(name):
                (self.bin / name).symlink_to(shutil.which(name))
        self.env = {"PATH": str(self.bin), "HOME": str(self.folder), "FAKE_STATE": str(self.state),
                    "FAKE_UID": "0", "FAKE_SUDO": "no",             # who starts it, and whether sudo asks nothing
                    "FAKE_SYSTEM": "Linux", "FAKE_MACHINE": "x86_64",
                    "FAKE_CMAKE": "3.25.1", "FAKE_COMPILER": "12",   # versions
                    "FAKE_PYTHON_FITS": "yes",                      # 3.10 or later, able to make a venv
                    "FAKE_INDEX_ANSWERS": "no",                     # PyTorch's index of CPU builds
                    "FAKE_PIP_FAILS": "", "FAKE_UNKNOWN_PACKAGES": "",
                    "FAKE_BUILD_FAILS": "no", "FAKE_BUILD_WAITS_FOR": "", "FAKE_FAILING_TESTS": "0",
                    "FAKE_ROSETTA": "0", "FAKE_XCODE": "yes",        # a Mac: its shell, its compiler, its release, its packages
                    "FAKE_MACOS": "26.2", "FAKE_COMPILER_SAYS": "", "FAKE_BREW_PREFIX": "/opt/homebrew",
                    "FAKE_METAL_TAG": "py3-none-macosx_26_0_arm64", "FAKE_PYTHON_MACHINE": "arm64"}
        self.env.update({f"FAKE_{key.upper()}": value for key, value in facts.items()})

    def command(self, *arguments, shell=("sh",), script=None):
        first, *rest = shell
        return [shutil.which(first), *rest, str(script or self.root / "mlbench"), *arguments]

    def start(self, *arguments, cwd=None, **how):
        return subprocess.run(self.command(*arguments, **how), env=self.env, cwd=cwd or self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)

    def called(self):
        """What was installed, configured or built since calls() was asked last, as text."""
        log = self.state / "calls"
        return log.read_text() if log.exists() else ""

    def calls(self):
        """What was installed, configured or built since the last call of this function."""
        lines = self.called().splitlines()
        (self.state / "calls").unlink(missing_ok=True)
        return lines

    def own_environment(self, *frameworks):
        """A user's environment with these frameworks; returns its Python."""
        site = self.folder / "own env/lib/python3/site-packages"
        for framework in frameworks:
            (site / framework / "lib").mkdir(parents=True)
            (site / framework / "lib" / f"lib{framework}.so").touch()
        python = self.folder / "own env/bin/python"
        python.parent.mkdir(parents=True)
        shutil.copy(FAKE_TOOL, python)
        return python


def having(calls, part):
    return [line for line in calls if part in line]


class SetupTest(unittest.TestCase):
    def machine(self, **facts):
        folder = tempfile.TemporaryDirectory(prefix="mlbench-setup-")
        self.addCleanup(folder.cleanup)
        return Machine(folder.name, **facts)

    def ready_machine(self, **facts):
        machine = self.machine(**facts)
        done = machine.start()
        self.assertEqual(done.returncode, 0, done.stderr)
        machine.calls()
        return machine

    def pass_time(self, machine):
        """File times are compared, and some file systems count in seconds."""
        old = time.time() - 100
        for path in (machine.root / "build").rglob(".ready"):
            os.utime(path, (old, old))
        for path in [*machine.root.rglob("*"), machine.root]:
            if not path.is_symlink() and path.name != ".ready":
                os.utime(path, (old - 100, old - 100))

    # ---- the first start and the ones after it

    def test_first_start_installs_builds_and_hands_over(self):
        machine = self.machine()
        done = machine.start("run", "a b", "*", "--json", "")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"[run][a b][*][--json][]|{machine.folder}|{machine.root}\n")
        calls = machine.calls()
        order = ["apt-get update", "apt-get install", "-m venv", "torch==2.", "mlx[cpu]==0.", "--preset release", "--build"]
        found = [next(i for i, line in enumerate(calls) if part in line) for part in order]
        self.assertEqual(found, sorted(found), calls)
        self.assertEqual(having(calls, "apt-get install")[0].split()[-len(PACKAGES):], PACKAGES)
        self.assertIn("installing system packages: nlohmann-json3-dev", done.stderr)
        self.assertFalse(having(calls, "doctest"))

    def test_no_command_means_run(self):
        self.assertTrue(self.machine().start().stdout.startswith("[run]|"))

    def test_second_start_does_nothing_but_start_the_program(self):
        machine = self.ready_machine()
        done = machine.start("list")
        self.assertEqual((done.returncode, done.stderr, machine.calls()), (0, "", []))
        self.assertTrue(done.stdout.startswith("[list]|"))

    def test_changed_added_or_deleted_source_is_built_again_and_nothing_is_installed(self):
        machine = self.ready_machine()
        changes = {
            "changed": lambda: (machine.root / "src/a.cpp").write_text("//\n"),
            "added": lambda: (machine.root / "workers/b.cpp").write_text("\n"),
            "deleted": lambda: (machine.root / "src/a.cpp").unlink(),
            "moved back by a day": lambda: (machine.root / "CMakeLists.txt").write_text("project(mlbench VERSION 1.0.0)\n"),
        }
        for name, change in changes.items():
            with self.subTest(name):
                self.pass_time(machine)
                machine.start()
                self.assertEqual(machine.calls(), [])
                change()
                machine.start()
                calls = machine.calls()
                self.assertEqual(len(having(calls, "--build")), 1, calls)
                self.assertFalse(having(calls, "pip") + having(calls, "apt-get"), calls)

    def test_changed_pins_install_again(self):
        machine = self.ready_machine()
        self.pass_time(machine)
        (machine.root / "requirements.txt").write_text("torch==2.99.0\nmlx==0.99.0\n")
        machine.start()
        calls = machine.calls()
        self.assertTrue(having(calls, "torch==2.99.0") and having(calls, "mlx[cpu]==0.99.0"), calls)

    def test_deleted_environment_is_made_again(self):
        machine = self.ready_machine()
        shutil.rmtree(machine.root / ".venv")
        self.assertEqual(machine.start().returncode, 0)
        self.assertTrue(having(machine.calls(), "-m venv"))

    def test_moved_clone_is_set_up_again(self):
        machine = self.ready_machine()
        moved = machine.folder / "elsewhere"
        machine.root.rename(moved)
        machine.root = moved
        self.assertTrue(machine.start().stdout.endswith(f"|{moved}\n"))
        self.assertTrue(having(machine.calls(), "--build"))

    def test_copied_clone_is_set_up_again(self):
        machine = self.ready_machine()
        original, machine.root = machine.root, machine.folder / "copy"
        shutil.copytree(original, machine.root, symlinks=True)
        self.assertTrue(machine.start().stdout.endswith(f"|{machine.root}\n"))
        self.assertTrue(having(machine.calls(), f"--build {machine.root}/build"))

    def test_a_source_that_changes_during_the_build_is_built_by_the_next_start(self):
        machine = self.machine()
        go = machine.state / "go"
        machine.env["FAKE_BUILD_WAITS_FOR"] = str(go)
        process = subprocess.Popen(machine.command("run"), env=machine.env, cwd=machine.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for(lambda: "--build" in machine.called())
        (machine.root / "src/a.cpp").write_text("//\n")
        go.touch()
        self.assertEqual(process.wait(timeout=60), 0)
        machine.calls()
        machine.start()
        self.assertTrue(having(machine.calls(), "--build"))

    def test_every_shell_does_the_same(self):
        for shell in SHELLS:
            if not shutil.which(shell[0]):
                continue
            with self.subTest(shell=" ".join(shell)):
                machine = self.machine(unknown_packages="libcli11-dev")
                done = machine.start("run", "a b", "--python=", shell=shell)
                self.assertEqual((done.returncode, done.stdout), (0, f"[run][a b]|{machine.folder}|{machine.root}\n"), done.stderr)
                self.assertEqual(len(having(machine.calls(), "--build")), 1)
                self.assertEqual(machine.start("x", shell=shell).stderr, "")

    def test_works_through_links_and_from_any_folder(self):
        machine = self.ready_machine()
        (machine.folder / "one").symlink_to(Path("the clone") / "mlbench")
        (machine.folder / "far").mkdir()
        (machine.folder / "far/two").symlink_to(Path("..") / "one")
        done = machine.start("run", cwd=machine.folder / "far", script="two")
        self.assertEqual(done.stdout, f"[run]|{machine.folder / 'far'}|{machine.root}\n")
        self.assertEqual(machine.calls(), [])

    # ---- help costs nothing

    def test_help_and_version_need_no_set_up(self):
        machine = self.machine()
        for arguments in (["--help"], ["-h"], ["help"], ["run", "--help"], ["test", "--help"]):
            self.assertIn("./mlbench test --all", machine.start(*arguments).stdout)
        self.assertEqual(machine.start("--version").stdout, "mlbench 7.8.9 (not built yet)\n")
        self.assertEqual(machine.calls(), [])
        self.assertFalse((machine.root / "build").exists())

    def test_help_of_a_built_program_is_the_programs_own(self):
        machine = self.ready_machine()
        self.pass_time(machine)
        (machine.root / "src/a.cpp").write_text("//\n")
        self.assertTrue(machine.start("--help").stdout.startswith("[--help]|"))
        self.assertEqual(machine.calls(), [])

    # ---- rights and system packages

    def test_without_rights_it_says_what_to_type(self):
        machine = self.machine(uid="1000")
        done = machine.start()
        self.assertEqual(done.returncode, 3)
        self.assertIn("sudo apt-get install -y --no-install-recommends " + " ".join(PACKAGES) + "\n",
                      done.stderr.replace("sudo apt-get update && ", ""))
        self.assertEqual(machine.calls(), [])

    def test_a_failure_with_json_is_one_json_document(self):
        document = json.loads(self.machine(uid="1000").start("run", "--json").stdout)
        self.assertEqual((document["schema"], document["kind"]), ("mlbench.error/1", "unsupported"))
        self.assertIn("apt-get install", document["message"])

    def test_sudo_without_a_password_is_used(self):
        machine = self.machine(uid="1000", sudo="yes")
        self.assertEqual(machine.start().returncode, 0)
        self.assertTrue(having(machine.calls(), "apt-get install"))

    def test_system_packages_can_be_declined(self):
        machine = self.machine(uid="1000")
        machine.env["MLBENCH_SYSTEM_PACKAGES"] = "no"
        self.assertEqual(machine.start().returncode, 0)
        self.assertFalse(having(machine.calls(), "apt-get"))

    def test_a_bare_machine_gets_compiler_build_tools_and_venv(self):
        machine = self.machine(without=("c++", "cmake", "ninja", "python3"))
        done = machine.start()
        self.assertEqual(done.returncode, 3)  # the fake apt-get installs no program
        self.assertIn("install -y --no-install-recommends -o DPkg::Lock::Timeout=120 g++ cmake ninja-build python3-venv",
                      having(machine.calls(), "apt-get install")[0])

    def test_a_package_that_the_distribution_lacks_is_left_to_cmake(self):
        machine = self.machine(unknown_packages="libcli11-dev")
        self.assertEqual(machine.start().returncode, 0)
        self.assertNotIn("libcli11-dev", having(machine.calls(), "apt-get install")[0])

    def test_an_old_compiler_or_python_is_named(self):
        old_compiler = self.machine(compiler="9").start()
        self.assertEqual(old_compiler.returncode, 3)
        self.assertIn("g++ 9 but 12 or later is needed", old_compiler.stderr)
        old_python = self.machine(python_fits="no").start()
        self.assertEqual(old_python.returncode, 3)
        self.assertIn("Python 3.10 or later", old_python.stderr)

    def test_an_old_cmake_is_replaced_by_that_of_pypi(self):
        machine = self.machine(cmake="3.22.1")
        self.assertEqual(machine.start().returncode, 0)
        calls = machine.calls()
        self.assertTrue(having(calls, "install --disable-pip-version-check --no-input cmake ninja"), calls)
        self.assertIsNotNone(re.search(r"venv --clear .*/build/tools", "\n".join(calls)))

    # ---- frameworks

    def test_cpu_builds_come_from_pytorchs_own_index_where_it_answers(self):
        for answers, expected in (("yes", 1), ("no", 0)):
            machine = self.machine(index_answers=answers)
            machine.start()
            torch = having(machine.calls(), "torch==")
            self.assertEqual([line.count("--extra-index-url https://download.pytorch.org/whl/cpu") for line in torch], [expected])

    def test_an_nvidia_gpu_gets_the_cuda_builds(self):
        machine = self.machine(tools=("nvidia-smi",), index_answers="yes")
        machine.start()
        calls = machine.calls()
        self.assertFalse(having(calls, "whl/cpu"))
        self.assertTrue(having(calls, "mlx[cuda13]=="))

    def test_an_nvidia_gpu_that_comes_later_gets_its_builds(self):
        machine = self.ready_machine()
        shutil.copy(FAKE_TOOL, machine.bin / "nvidia-smi")
        machine.start("setup")
        calls = machine.calls()
        self.assertTrue(having(calls, "-m venv") and having(calls, " torch==") and having(calls, "mlx[cuda13]=="), calls)
        self.assertFalse((machine.root / ".venv/.installing").exists())

    def test_one_missing_framework_does_not_stop_the_other(self):
        for missing in ("torch", "mlx"):
            machine = self.machine(pip_fails=missing)
            done = machine.start()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"{missing} could not be installed", done.stderr)
            self.assertIn(f"No matching distribution found for {missing}", done.stderr)
            machine.calls()
            self.assertEqual(machine.start().stderr, "")
            self.assertEqual(machine.calls(), [])
            machine.start("setup")
            retried = having(machine.calls(), "-m pip install")
            self.assertEqual(len(retried), 1)
            self.assertIn(missing, retried[0])

    def test_no_framework_at_all_is_a_failure(self):
        done = self.machine(pip_fails="torch mlx").start()
        self.assertEqual(done.returncode, 4)
        self.assertIn("neither PyTorch nor MLX", done.stderr)

    def test_an_interrupted_install_is_made_anew(self):
        machine = self.ready_machine()
        (machine.root / ".venv/.installing").touch()
        (machine.root / "build/release/.ready").unlink()
        self.assertEqual(machine.start().returncode, 0)
        calls = machine.calls()
        self.assertTrue(having(calls, "-m venv") and having(calls, "torch==") and having(calls, "mlx[cpu]=="), calls)

    # ---- the user's own environment

    def test_own_environment_is_used_and_left_alone(self):
        machine = self.machine()
        python = machine.own_environment("torch", "mlx")
        done = machine.start("run", "--python", str(python), "--quick")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("[run][--quick]|"))
        calls = machine.calls()
        self.assertFalse(having(calls, "pip") + having(calls, "venv"), calls)
        self.assertTrue(having(calls, f"-DMLBENCH_PYTHON={python}"))
        self.assertFalse((machine.root / ".venv").exists())
        self.assertFalse((machine.root / "build/release").exists())

    def test_switching_environments_builds_nothing_again(self):
        machine = self.ready_machine()
        python = machine.own_environment("torch", "mlx")
        machine.start("run", f"--python={python}")
        self.assertTrue(machine.calls())
        machine.start()
        machine.env["MLBENCH_PYTHON"] = str(python)
        machine.start()
        self.assertEqual(machine.calls(), [])

    def test_own_environment_may_be_a_folder_or_relative(self):
        machine = self.machine()
        machine.own_environment("torch", "mlx")
        self.assertEqual(machine.start("run", "--python", "own env").returncode, 0)
        machine.calls()
        self.assertEqual(machine.start("run", "--python", "../own env/bin/python", cwd=machine.bin).returncode, 0)

    def test_own_environment_with_one_framework_works_and_says_so(self):
        machine = self.machine()
        python = machine.own_environment("torch")
        done = machine.start("run", "--python", str(python))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no mlx in the environment of", done.stderr)

    def test_a_framework_added_to_the_own_environment_is_built(self):
        machine = self.machine()
        python = machine.own_environment("torch")
        machine.start("run", "--python", str(python))
        self.pass_time(machine)
        machine.calls()
        (python.parent.parent / "lib/python3/site-packages/mlx/lib").mkdir(parents=True)
        machine.start("run", "--python", str(python))
        self.assertTrue(having(machine.calls(), "--build"))

    def test_wrong_own_environments_are_named(self):
        machine = self.machine()
        for given, code, said in ((["--python", "/no/where"], 2, "/no/where is not a Python"), (["--python"], 2, "needs the path"),
                                  (["--python", str(machine.own_environment())], 3, "neither torch nor mlx")):
            done = machine.start("run", *given)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(said, done.stderr)

    # ---- two at a time, interruptions, failures

    def test_two_first_starts_set_up_once(self):
        machine = self.machine()
        go = machine.state / "go"
        machine.env["FAKE_BUILD_WAITS_FOR"] = str(go)
        starts = []
        for _ in range(3):
            starts.append(subprocess.Popen(machine.command("run"), env=machine.env, cwd=machine.folder, text=True,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            self.wait_for(lambda: (machine.root / "build/.lock").is_symlink())
        for process in starts:  # all but the holder of the lock have said that they wait before the build may end
            if str(process.pid) != os.readlink(machine.root / "build/.lock"):
                self.assertIn("waiting for the set-up", process.stderr.readline())
        go.touch()
        outputs = [process.communicate(timeout=120)[0] for process in starts]
        self.assertEqual([process.returncode for process in starts], [0, 0, 0])
        self.assertEqual(len(set(outputs)), 1)
        self.assertEqual(len(having(machine.calls(), "--build")), 1)
        self.assertFalse((machine.root / "build/.lock").is_symlink())

    def wait_for(self, condition):
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end, "gave up waiting")
            time.sleep(0.02)

    def test_the_lock_of_a_dead_process_is_removed(self):
        machine = self.machine()
        dead = subprocess.Popen(["true"])
        dead.wait()
        (machine.root / "build").mkdir()
        (machine.root / "build/.lock").symlink_to(str(dead.pid))
        self.assertEqual(machine.start().returncode, 0)
        self.assertFalse((machine.root / "build/.lock").is_symlink())

    def test_an_interrupted_set_up_frees_the_lock_and_goes_on_later(self):
        machine = self.machine()
        go = machine.state / "go"
        machine.env["FAKE_BUILD_WAITS_FOR"] = str(go)
        process = subprocess.Popen(machine.command("run"), env=machine.env, cwd=machine.folder, start_new_session=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for(lambda: "--build" in machine.called())
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 130)
        self.assertFalse((machine.root / "build/.lock").is_symlink())
        machine.calls()
        go.touch()
        self.assertEqual(machine.start().returncode, 0)
        calls = machine.calls()
        self.assertFalse(having(calls, "pip"), calls)
        self.assertTrue(having(calls, "--build"), calls)

    def test_a_failed_build_shows_its_last_lines_and_is_tried_again(self):
        machine = self.machine(build_fails="yes")
        done = machine.start()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("src/x.cpp:1:1: error: invented", done.stderr)
        self.assertIn("build/setup.log", done.stderr)
        machine.env["FAKE_BUILD_FAILS"] = "no"
        self.assertEqual(machine.start().returncode, 0)

    # ---- macOS

    def mac(self, tools=("sysctl", "sw_vers", "xcode-select", "brew"), **facts):
        return self.machine(system="Darwin", machine=facts.pop("machine", "arm64"), tools=tools, **facts)

    def test_on_macos_homebrew_brings_the_packages(self):
        machine = self.mac()
        done = machine.start()
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = machine.calls()
        self.assertTrue(having(calls, "brew bundle install --no-upgrade"), calls)
        self.assertTrue(having(calls, " mlx==") and having(calls, " torch=="), calls)
        self.assertIn("nlohmann-json cli11 fmt yaml-cpp", done.stderr)

    def test_on_macos_without_homebrew_pypi_brings_the_build_tools(self):
        if Path("/opt/homebrew/bin/brew").exists():
            self.skipTest("Homebrew is installed here")
        machine = self.mac(tools=("sysctl", "sw_vers", "xcode-select"), without=("cmake", "ninja"))
        done = machine.start()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(having(machine.calls(), "cmake ninja"))

    def test_on_macos_what_no_package_cures_is_explained_before_anything_is_installed(self):
        for facts, said in (({"rosetta": "1", "machine": "x86_64"}, "arch -arm64 ./mlbench"),
                            ({"machine": "x86_64"}, "Apple silicon only"), ({"xcode": "no"}, "xcode-select --install"),
                            ({"macos": "13.7.1"}, "need macOS 14 or later, and this is 13.7.1"),
                            ({"compiler_says": "xcrun: error: invalid active developer path"}, "sudo xcode-select --reset"),
                            ({"compiler_says": "You have not agreed to the Xcode license agreements."}, "xcodebuild -license accept")):
            for variables in ({}, {"MLBENCH_SYSTEM_PACKAGES": "no"}):
                with self.subTest(said, **variables):
                    machine = self.mac(**facts)
                    machine.env.update(variables)
                    done = machine.start()
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertIn(said, done.stderr)
                    self.assertEqual(machine.calls(), [])

    def test_on_macos_a_homebrew_for_intel_is_not_used(self):
        if Path("/opt/homebrew/bin/brew").exists():
            self.skipTest("Homebrew is installed here")
        machine = self.mac(brew_prefix="/usr/local")
        done = machine.start()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("for Intel Macs and is not used", done.stderr)
        self.assertFalse(having(machine.calls(), "brew"))

    def test_on_macos_a_python_for_intel_is_refused(self):
        machine = self.mac(python_machine="x86_64")
        python = machine.own_environment("torch", "mlx")
        done = machine.start("run", "--python", str(python))
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("made for Intel", done.stderr)

    def test_on_macos_26_the_metal_part_with_all_kernels_is_installed(self):
        for tag, macos, again in (("py3-none-macosx_14_0_arm64", "26.2", True), ("py3-none-macosx_26_0_arm64", "26.2", False),
                                  ("py3-none-macosx_14_0_arm64", "15.6", False)):
            with self.subTest(tag=tag, macos=macos):
                machine = self.mac(metal_tag=tag, macos=macos)
                done = machine.start()
                self.assertEqual(done.returncode, 0, done.stderr)
                calls = machine.calls()
                forced = having(calls, "--platform macosx_26_0_arm64")
                self.assertEqual(bool(forced), again, done.stderr)
                self.assertTrue(not again or "mlx-metal==0" in forced[0], forced)
                # pip would take the whole folder mlx away before it installs a part into it
                self.assertFalse(having(calls, "--target"))
                self.assertEqual(bool(having(calls, "-m zipfile -e")), again)

    def test_the_metal_part_follows_an_update_of_macos_and_a_failed_download(self):
        machine = self.mac(metal_tag="py3-none-macosx_14_0_arm64", macos="15.6")
        self.assertEqual(machine.start().returncode, 0)
        machine.env["FAKE_PIP_FAILS"], machine.env["FAKE_MACOS"] = "mlx-metal", "26.2"
        done = machine.start("setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("will be understated", done.stderr)
        machine.env["FAKE_PIP_FAILS"] = ""
        self.assertEqual(machine.start("setup").returncode, 0)
        self.assertTrue(having(machine.calls(), "-m zipfile -e"))

    def test_macos_in_every_shell(self):
        for shell in SHELLS:
            if not shutil.which(shell[0]):
                continue
            with self.subTest(shell=" ".join(shell)):
                machine = self.mac(metal_tag="py3-none-macosx_14_0_arm64")
                done = machine.start("run", "a b", shell=shell)
                self.assertEqual((done.returncode, done.stdout), (0, f"[run][a b]|{machine.folder}|{machine.root}\n"), done.stderr)

    # ---- test, setup, clean

    def test_the_tests_end_with_one_line_of_totals(self):
        machine = self.machine()
        done = machine.start("test")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "7 passed, 0 failed")  # 5 of ctest and the two workers
        calls = machine.calls()
        self.assertTrue(having(calls, "--preset ci") and having(calls, "doctest-dev"), calls)

    def test_failing_tests_fail(self):
        done = self.machine(failing_tests="2").start("test")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "5 passed, 2 failed"))

    def test_all_counts_each_long_check_and_what_is_skipped(self):
        done = self.machine().start("test", "--all")
        self.assertEqual(done.stdout.splitlines()[-1], "7 passed, 0 failed, 5 skipped", done.stdout)
        self.assertIn("skipped: there is no clang-tidy on this system", done.stdout)
        broken = self.machine(tools=("clang-format",)).start("test", "--all")  # which lies in no git repository
        self.assertEqual((broken.returncode, broken.stdout.splitlines()[-1]), (1, "7 passed, 1 failed, 4 skipped"))
        most = self.machine().start("test", "--most")
        self.assertEqual(most.stdout.splitlines()[-1], "7 passed, 0 failed, 4 skipped", most.stdout)

    def test_tests_that_do_not_build_fail(self):
        done = self.machine(build_fails="yes").start("test")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "0 passed, 1 failed"))

    def test_setup_only_sets_up(self):
        machine = self.machine()
        done = machine.start("setup")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertTrue(having(machine.calls(), "--build"))

    def test_clean_deletes_builds_and_keeps_results(self):
        machine = self.ready_machine()
        (machine.root / "results").mkdir()
        self.assertEqual(machine.start("clean").returncode, 0)
        self.assertFalse((machine.root / "build").exists())
        self.assertTrue((machine.root / ".venv").exists() and (machine.root / "results").exists())
        self.assertEqual(machine.start("clean", "--all").returncode, 0)
        self.assertFalse((machine.root / ".venv").exists())
        self.assertEqual(machine.start("clean", "--everything").returncode, 2)

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shellcheck_finds_nothing(self):
        scripts = ["mlbench", "tools/setup.sh", "tools/checks.sh", ".ci/run", "tools/bare_debian", "tools/mac_link_check", "tests/setup/fake_tool"]
        done = subprocess.run(["shellcheck", "--external-sources", *scripts], cwd=SOURCE, text=True, capture_output=True, check=False)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
