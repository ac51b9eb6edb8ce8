# Sourced by ./mlbench for `test`: builds the tests, runs them, and with --all the long checks too.
# The last line on stdout is "N passed, N failed" (and ", N skipped" where this system lacks a tool).
# shellcheck shell=sh
# shellcheck disable=SC2154  # root, build, tests_build and cmake come from ./mlbench and tools/setup.sh

passed=0
failed=0
skipped=0
fuzz_seconds=30

# check NAME COMMAND...: one check, one line on stdout. What the command prints is shown when it fails.
check() {
  check_name=$1
  shift
  check_log=$root/build/check.log
  began=$(date +%s)
  if ("$@") >"$check_log" 2>&1 </dev/null; then  # in a subshell: a check that gives up ends itself only
    passed=$((passed + 1)) verdict=passed
  else
    failed=$((failed + 1)) verdict=FAILED
    tail -n 60 "$check_log" | sed 's/^/  | /'
  fi
  printf '%-40s %s  (%s s)\n' "$check_name" "$verdict" "$(($(date +%s) - began))"
}

# check_with TOOL NAME COMMAND...: skipped where the tool is missing; Linux set-ups install it.
check_with() {
  tool=$1
  shift
  if has "$tool"; then
    check "$@"
  else
    skipped=$((skipped + 1))
    printf '%-40s skipped: there is no %s on this system\n' "$1" "$tool"
  fi
}

# check_mac_link: on a Mac the build itself tells; elsewhere exit code 3 means that the wheels for macOS cannot
# be had here, which is no failure but on CI.
check_mac_link() {
  if [ "$system" = Darwin ] || [ ! -x "$root/tools/mac_link_check" ]; then return 0; fi
  mac_status=0
  check_log=$root/build/mac_link_check.log
  began=$(date +%s)
  MLBENCH_PYTHON=$python "$root/tools/mac_link_check" >"$check_log" 2>&1 </dev/null || mac_status=$?
  if [ "$mac_status" = 3 ] && [ -z "${CI:-}" ]; then
    skipped=$((skipped + 1)) verdict=skipped
  elif [ "$mac_status" = 0 ]; then
    passed=$((passed + 1)) verdict=passed
  else
    failed=$((failed + 1)) verdict=FAILED
  fi
  if [ "$verdict" != passed ]; then tail -n 120 "$check_log" | sed 's/^/  | /'; fi
  printf '%-40s %s  (%s s)\n' "links for macOS (nothing is run)" "$verdict" "$(($(date +%s) - began))"
}

in_root() { (cd "$root" && "$@"); }

# Tests that measure with real frameworks are marked RUN_SERIAL, so two at a time disturb nothing.
run_ctest() {
  report=$1/tests.xml
  rm -f "$report"
  "${cmake%cmake}ctest" --test-dir "$1" -j2 --timeout 900 --no-tests=error --output-on-failure \
    --output-junit "$report" </dev/null || ctest_failed=yes
  count_tests "$report"
}

# The totals stand in the attributes of the first element of the JUnit file.
junit_total() { sed -n "/<testsuite /,/>/s/.*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" 2>/dev/null | head -n 1; }

count_tests() {
  tests=$(junit_total "$1" tests)
  bad=$(junit_total "$1" failures)
  unrun=$(($(junit_total "$1" skipped) + $(junit_total "$1" disabled)))
  if [ "$ctest_failed" = yes ] && [ "${bad:-0}" = 0 ]; then bad=1 tests=$((${tests:-0} + 1)); fi
  passed=$((passed + tests - bad - unrun))
  failed=$((failed + bad))
  skipped=$((skipped + unrun))
}

# Here a framework that is missing is a failure; a run goes on without it.
check_frameworks() {
  for framework in torch mlx; do
    check "worker for $framework is built" test -x "$tests_build/bin/mlbench-worker-$framework"
  done
}

# ---- checks of --all ---------------------------------------------------------------------------------

# asan_build_and_tests LABELS: less the tests with these. On a Mac the compiler has no fuzzers.
asan_build_and_tests() {
  if [ "$system" = Darwin ]; then fuzzers=OFF; else fuzzers=ON; fi
  configure_and_build asan "$root/build/asan" -DMLBENCH_FUZZ=$fuzzers &&
    "${cmake%cmake}ctest" --test-dir "$root/build/asan" -LE "$1" -j2 --timeout 900 --no-tests=error --output-on-failure
}

# sources PATTERN...: the project's own files, one a line; fails where there are none or git cannot tell.
sources() { in_root git ls-files --cached --others --exclude-standard -- "$@" | grep .; }

format_is_clean() {
  files=$(sources '*.cpp' '*.hpp') && printf '%s\n' "$files" | in_root xargs clang-format --dry-run -Werror
}

# What the build compiles of src/, less the tests, two at a time. The workers are left to the compiler's
# warnings: the frameworks' headers would take most of the time. "N warnings generated" on stderr counts those
# in other people's headers.
tidy_is_clean() {
  files=$(sources 'src/*.cpp' | grep -v '_test\.cpp$' | compiled_here) && printf '%s\n' "$files" |
    in_root xargs -n 1 -P 2 clang-tidy -p "$tests_build" --quiet --warnings-as-errors='*' \
      --extra-arg=-Wno-unknown-warning-option 2>/dev/null
}

compiled_here() {
  while IFS= read -r file; do
    if grep -qF "$root/$file\"" "$tests_build/compile_commands.json"; then printf '%s\n' "$file"; fi
  done | grep .
}

shell_is_clean() {
  files=$(sources ':!*.cmake' | in_root xargs grep -lE '^#!(/bin/sh|/bin/bash|/usr/bin/env (ba)?sh)|^# shellcheck shell=') &&
    printf '%s\n' "$files" | in_root xargs shellcheck --external-sources
}

long_checks() {
  if [ "$long" = all ]; then without=frameworks; else without=e2e; fi
  check_with clang++ "sanitizers: build and tests" asan_build_and_tests "$without"
  check_with clang-format "clang-format" format_is_clean
  if [ "$long" = all ]; then check_with clang-tidy "clang-tidy of src" tidy_is_clean; fi
  check_with shellcheck "shellcheck" shell_is_clean
  if [ "$system" != Darwin ]; then check_with clang++ "fuzzers, $fuzz_seconds s each" "$root/tests/fuzz/run" "$fuzz_seconds"; fi
}

run_tests() {
  long=no ctest_failed=no
  case ${1:-} in
    '') ;;
    --most | --all) long=${1#--} ;;
    *) die 2 "test knows --most and --all and nothing else; $1 was given" ;;
  esac
  take_lock
  if [ "$long" = no ]; then prepare test; else prepare all; fi
  if (configure_and_build ci "$tests_build"); then
    check_frameworks
    run_ctest "$tests_build"
    check_mac_link
    if [ "$long" != no ]; then long_checks; fi
  else
    failed=1
  fi
  release
  close_with_totals
}

close_with_totals() {
  line="$passed passed, $failed failed"
  if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
  printf '%s\n' "$line"
  [ "$failed" = 0 ] && [ "$ctest_failed" = no ] || exit 1
}
