# Sourced by ./mlbench when something is missing or has changed: system packages, Python environment,
# frameworks, build. Each step looks first and does only what is missing, so that an interrupted set-up
# goes on where it stopped. Everything that is run writes to build/setup.log; progress goes to stderr.
# shellcheck shell=sh
# shellcheck disable=SC2154  # root, build, python, own_python, stamp and tests_build come from ./mlbench

log=$root/build/setup.log
lock=$root/build/.lock
venv=$root/.venv
system=$(uname -s)
retry=${retry:-no}
locked=no
ticker=
torch_cpu_index=https://download.pytorch.org/whl/cpu

has() { command -v "$1" >/dev/null 2>&1; }

# ---- running commands --------------------------------------------------------------------------------

# fail EXIT_CODE SENTENCE: for a command that failed; its last lines are shown first.
fail() {
  tail -n 40 "$log" | grep -v "^ *$" | tail -n 15 | sed 's/^/  | /' >&2
  die "$1" "$2 (all output: $log)"
}

# Runs a command with its output in the log. On a terminal the newest line of the log is shown meanwhile.
logged() {
  printf '\n$ %s\n' "$*" >>"$log"
  if [ ! -t 2 ]; then
    "$@" >>"$log" 2>&1 </dev/null
    return
  fi
  (while sleep 1 && kill -0 "$$" 2>/dev/null; do
    printf '\r\033[K  %.100s' "$(tail -n 1 "$log" | tr -d '\r\033')" >&2
  done) &
  ticker=$!
  logged_status=0
  "$@" >>"$log" 2>&1 </dev/null || logged_status=$?
  stop_ticker
  return "$logged_status"
}

stop_ticker() {
  [ -n "$ticker" ] || return 0
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=
  printf '\r\033[K' >&2
}

# ---- one set-up at a time ----------------------------------------------------------------------------

# The lock is a symbolic link whose target is the number of the process that holds it: it comes into
# being together with its content, so there is no moment at which it has no owner.
take_lock() {
  mkdir -p "$root/build" 2>/dev/null || true
  [ -w "$root/build" ] ||
    die 4 "cannot write to $root/build; make the folder writable or clone the project to another place"
  told=no
  until ln -s "$$" "$lock" 2>/dev/null; do
    holder=$(readlink "$lock" || true)
    if [ -n "$holder" ] && ! is_alive "$holder"; then
      remove_stale_lock "$holder"
      continue
    fi
    if [ "$told" = no ] && [ -n "$holder" ]; then
      say "waiting for the set-up that process $holder is doing (if there is none, delete $lock)"
      told=yes
    fi
    sleep 1
  done
  locked=yes
  trap 'release' EXIT
  trap 'release; say "interrupted; the next start goes on from here"; exit 130' INT TERM HUP
}

is_alive() { kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ] || ps -p "$1" >/dev/null 2>&1; }

# Only one of several waiting processes may remove the lock of a dead one, or the second would remove
# the new lock of the first.
remove_stale_lock() {
  find "$lock.stale" -prune -mmin +1 -exec rmdir {} \; 2>/dev/null || true
  if mkdir "$lock.stale" 2>/dev/null; then
    if [ "$(readlink "$lock")" = "$1" ]; then rm -f "$lock"; fi
    rmdir "$lock.stale"
  else
    sleep 1
  fi
}

release() {
  stop_ticker
  if [ "$locked" = yes ]; then rm -f "$lock"; fi
  locked=no
  trap - EXIT INT TERM HUP
}

# ---- system packages ---------------------------------------------------------------------------------

# install_system_packages PURPOSE: run, test or all (the checks of `test --all` too).
install_system_packages() {
  if [ "$system" = Darwin ]; then check_mac; fi
  [ "${MLBENCH_SYSTEM_PACKAGES:-}" != no ] || return 0
  case $system in
    Linux) if has apt-get && has dpkg-query; then install_with_apt "$1"; fi ;;
    Darwin) install_with_brew "$1" ;;
  esac
}

wanted_apt_packages() {
  has "${CXX:-c++}" || echo g++
  has cmake || echo cmake
  has ninja || echo ninja-build
  if [ -z "$own_python" ] && ! has_pip "$python" && [ -z "$(find_python)" ]; then echo python3-venv; fi
  printf '%s\n' nlohmann-json3-dev libcli11-dev libfmt-dev libyaml-cpp-dev libopenblas0-pthread
  case $1 in
    test | all)
      printf '%s\n' doctest-dev zsh
      # For the page's test in a real browser, and for pictures.
      has chromedriver || printf '%s\n' chromium chromium-driver
      has node || echo nodejs
      has rsvg-convert || echo librsvg2-bin
      has xz || echo xz-utils  # the source of yaml-cpp, for the macOS link check
      ;;
  esac
  # git: to know which files are the project's.
  if [ "$1" = all ]; then printf '%s\n' git clang clang-format clang-tidy libclang-rt-dev shellcheck; fi
}

is_installed_by_apt() { dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

missing_apt_packages() {
  for package in $(wanted_apt_packages "$1"); do
    is_installed_by_apt "$package" || printf '%s ' "$package"
  done
}

# Keeps the packages that this release of the distribution has; CMake downloads the other libraries.
available_apt_packages() {
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then printf '%s ' "$package"; fi
  done
}

install_with_apt() {
  missing=$(missing_apt_packages "$1")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif sudo -n true >/dev/null 2>&1; then
    as_root="sudo -n"
  else
    die 3 "system packages are missing and this user may not install them; type
  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing% }
and start again (no rights here at all: MLBENCH_SYSTEM_PACKAGES=no downloads the libraries instead)"
  fi
  say "installing system packages: ${missing% }"
  # shellcheck disable=SC2086  # as_root and missing are lists of words
  {
    logged $as_root apt-get update || say "apt-get update failed; going on with the package lists that are there"
    missing=$(available_apt_packages $missing)
    [ -n "$missing" ] || return 0
    logged $as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 $missing ||
      fail 4 "apt-get could not install ${missing% }; cure what it says above and start again"
  }
}

# Everything about this Mac that no package can cure is said before anything is installed.
check_mac() {
  if [ "$(sysctl -in sysctl.proc_translated 2>/dev/null)" = 1 ]; then
    die 3 "this shell runs under Rosetta, where neither Metal nor the arm64 frameworks work; start it as: arch -arm64 ./mlbench"
  fi
  if [ "$(uname -m)" != arm64 ] && [ -z "$own_python" ]; then
    die 3 "PyTorch 2.13 and MLX exist for Apple silicon only; on an Intel Mac give an environment of your own with --python"
  fi
  if [ "$(macos_major)" -lt 14 ]; then
    die 3 "PyTorch 2.13 and MLX need macOS 14 or later, and this is $(sw_vers -productVersion); update it in System Settings, General, Software Update"
  fi
  xcode-select -p >/dev/null 2>&1 ||
    die 3 "Apple's command line tools (compiler and headers) are missing; type: xcode-select --install"
  # After an update of macOS their folder may be empty, and Xcode's compiler refuses until its licence is accepted.
  if ! compiler_says=$("${CXX:-c++}" --version 2>&1); then
    case $compiler_says in
      *license*) die 3 "Xcode's licence has not been accepted; type: sudo xcodebuild -license accept" ;;
      *) die 3 "Apple's compiler does not start ($(printf '%s' "$compiler_says" | head -n 1)); type: sudo xcode-select --reset && xcode-select --install" ;;
    esac
  fi
}

# 26 for 26.2; 99 where it is not told.
macos_major() { sw_vers -productVersion 2>/dev/null | sed -n 's/^\([0-9]*\).*/\1/p' | grep . || echo 99; }

# Homebrew for Intel keeps its libraries in /usr/local and may be left over from another Mac: what it installs
# cannot be linked here.
find_brew() {
  if has brew && [ "$(brew --prefix 2>/dev/null)" != /usr/local ]; then return 0; fi
  if [ -x /opt/homebrew/bin/brew ]; then
    PATH=/opt/homebrew/bin:$PATH  # installed, but not (or not first) on the PATH of this shell; for the set-up only
    return 0
  fi
  if has brew; then say "the Homebrew in /usr/local is for Intel Macs and is not used"; fi
  return 1
}

install_with_brew() {
  if ! find_brew; then
    say "no Homebrew for this Mac: cmake and ninja come from PyPI, the libraries are downloaded by CMake"
    return 0
  fi
  case $1 in test | all) export HOMEBREW_MLBENCH_TESTS=1 ;; esac
  if ! brew bundle check --no-upgrade --file="$root/Brewfile" >>"$log" 2>&1; then
    say "installing with Homebrew: $(sed -n 's/^brew "\([^"]*\)".*/\1/p' "$root/Brewfile" | tr '\n' ' ')"
    logged brew bundle install --no-upgrade --file="$root/Brewfile" ||
      fail 4 "Homebrew could not install what Brewfile lists; cure what it says above and start again"
  fi
  if [ -z "$own_python" ] && ! has_pip "$python" && [ -z "$(find_python)" ] && ! has uv; then
    say "installing with Homebrew: python@3.13 (Apple's own python3 is too old for the frameworks)"
    logged brew install python@3.13 || fail 4 "Homebrew could not install python@3.13; cure what it says above and start again"
  fi
}

# ---- Python environment and frameworks ---------------------------------------------------------------

# Prints a Python that can make the environment: 3.10 or later, able to make venvs, native on Apple silicon.
find_python() {
  for candidate in python3.13 python3.12 python3.11 python3.10 python3 python3.14; do
    if "$candidate" -c '
import sys, platform, venv, ensurepip
fits = sys.version_info >= (3, 10) and (sys.platform != "darwin" or platform.machine() == "arm64")
sys.exit(0 if fits else 1)' >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
}

has_pip() { "$1" -c 'import pip' >/dev/null 2>&1; }

is_for_arm64() { [ "$("$1" -c 'import platform; print(platform.machine())' 2>/dev/null)" = arm64 ]; }

# An environment in which pip was interrupted may hold half a package, which pip itself cannot repair: it is
# made anew.
make_venv() {
  if has_pip "$python" && [ ! -e "$venv/.installing" ]; then return 0; fi
  base=$(find_python)
  rm -rf "$venv"
  if [ -n "$base" ]; then
    say "making .venv with $("$base" -V)"
    logged "$base" -m venv "$venv" || fail 1 "$base could not make the environment $venv"
  elif has uv; then
    say "making .venv with uv"
    logged uv venv --seed --python 3.12 "$venv" || fail 4 "uv could not make the environment $venv"
  elif [ "$system" = Darwin ]; then
    die 3 "Python 3.10 or later for arm64 is needed (Apple's own is 3.9); type: brew install python@3.13"
  else
    die 3 "Python 3.10 or later with the venv module is needed; on Debian and Ubuntu type: sudo apt-get install python3-venv"
  fi
}

pinned() { sed -n "s/^$1==//p" "$root/requirements.txt"; }

site_packages() { "$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))' 2>/dev/null || true; }

has_nvidia_gpu() { has nvidia-smi && nvidia-smi -L >/dev/null 2>&1; }

# Any answer within 6 seconds will do, a refused certificate too: pip has its own ones.
answers() {
  "$python" - "$1" <<'END'
import signal, ssl, sys, urllib.error, urllib.request
signal.alarm(6)
try:
    urllib.request.urlopen(sys.argv[1] + "/torch/", timeout=5).close()
except urllib.error.HTTPError as error:
    sys.exit(error.code >= 400)
except urllib.error.URLError as error:
    sys.exit(not isinstance(error.reason, ssl.SSLError))
END
}

# changing PYTHON-ARGUMENTS: what leaves the environment broken when it is interrupted
changing() {
  : >"$venv/.installing"
  changing_status=0
  logged env PIP_USER=0 PYTHONPATH= "$python" "$@" || changing_status=$?
  rm -f "$venv/.installing"
  return "$changing_status"
}

pip_install() { changing -m pip install --disable-pip-version-check --no-input "$@"; }

# The default wheel of torch for Linux brings gigabytes of CUDA libraries, of no use without an NVIDIA GPU.
install_torch() {
  version=$(pinned torch)
  [ ! -d "$(echo "$site"/torch-"$version"*.dist-info)" ] || return 0
  say "installing torch $version"
  if [ "$system" != Linux ] || has_nvidia_gpu; then
    pip_install "torch==$version"
  elif answers "$torch_cpu_index" >>"$log" 2>&1; then
    pip_install --extra-index-url "$torch_cpu_index" "torch==$version"
  else
    say "PyTorch's index of CPU builds does not answer: taking the build that pip has"
    pip_install "torch==$version"
  fi
}

install_mlx() {
  version=$(pinned mlx)
  case $system in
    Darwin) extra='' part=mlx_metal ;;
    *) if has_nvidia_gpu; then extra='[cuda13]' part=mlx_cuda_13; else extra='[cpu]' part=mlx_cpu; fi ;;
  esac
  if [ ! -d "$site/mlx-$version.dist-info" ] || [ ! -d "$site/$part-$version.dist-info" ]; then
    say "installing mlx$extra $version"
    pip_install "mlx$extra==$version" || return
  fi
  if [ "$system" = Darwin ]; then take_newest_metal; fi
}

# The Metal part of MLX for macOS 26 has the kernels for the neural accelerators of M5 and later; the one for
# macOS 14 runs there too and has not. A Python that was built for an older macOS takes the new release for
# version 16 and its pip chooses the old part. Both parts fill one folder, mlx, with the package of that name: pip would
# remove all of it before it installs the other part there, so that one is laid over what is there.
take_newest_metal() {
  tag=$(sed -n 's/^Tag: *//p' "$site/mlx_metal-$version.dist-info/WHEEL" 2>/dev/null | head -n 1)
  if [ "$(macos_major)" = 99 ] || [ "$(macos_major)" -lt 26 ]; then return 0; fi
  case $tag in *macosx_14_* | *macosx_15_*) ;; *) return 0 ;; esac
  say "pip took the part of mlx for an older macOS: installing the one for macOS 26"
  rm -rf "$venv/.metal"
  if ! { logged env PYTHONPATH= "$python" -m pip download --disable-pip-version-check --no-input --no-deps --only-binary=:all: \
    --platform macosx_26_0_arm64 -d "$venv/.metal" "mlx-metal==$version" &&
    changing -m zipfile -e "$venv"/.metal/mlx_metal-*.whl "$site"; }; then
    say "it could not be installed; the numbers of MLX on M5 and later will be understated (see $log)"
  fi
  rm -rf "$venv/.metal"
}

# One framework that cannot be had does not stop the other. What failed is not tried at every start,
# which would cost a network round trip each time, but only by ./mlbench setup or other pins.
install_frameworks() {
  if has_nvidia_gpu; then gpu=nvidia; else gpu=none; fi
  case $(cat "$venv/.frameworks" 2>/dev/null) in
    '' | *" $gpu") ;;
    *) : >"$venv/.installing" ;;  # to pip the build for the other kind of machine would be good enough
  esac
  make_venv
  site=$(site_packages)
  wanted="$(cksum <"$root/requirements.txt") $system $(macos_major) $gpu"  # another part of mlx after an update of macOS
  if [ "$retry" = no ] && [ "$(cat "$venv/.frameworks" 2>/dev/null)" = "$wanted" ]; then return 0; fi
  rm -f "$venv/.frameworks"
  install_torch || say "torch could not be installed (see $log): $(last_pip_error)"
  install_mlx || say "mlx could not be installed (see $log): $(last_pip_error)"
  if [ -z "$(framework_library torch)$(framework_library mlx)" ]; then
    fail 4 "neither PyTorch nor MLX could be installed; cure what pip says above and start again"
  fi
  echo "$wanted" >"$venv/.frameworks"
}

last_pip_error() { sed -n 's/^ERROR: *//p' "$log" | tail -n 1; }

framework_library() { ls "$site/$1/lib/lib$1.so" "$site/$1/lib/lib$1.dylib" 2>/dev/null || true; }

# The user's own environment is used as it is: nothing is installed into it.
check_own_environment() {
  site=$(site_packages)
  [ -n "$site" ] || die 2 "--python: $python does not start as a Python; give the path of one, such as ~/env/bin/python"
  if [ "$system" = Darwin ] && [ "$(uname -m)" = arm64 ] && ! is_for_arm64 "$python"; then
    die 3 "--python: $python is made for Intel and runs under Rosetta, without Metal; give a Python for arm64, such as the one of: brew install python@3.13"
  fi
  if [ -z "$(framework_library torch)$(framework_library mlx)" ]; then
    die 3 "the environment of $python has neither torch nor mlx; install one there with pip, or leave --python out"
  fi
}

say_what_is_missing() {
  for framework in torch mlx; do
    if [ -z "$(framework_library "$framework")" ]; then
      say "no $framework in the environment of $python: going on without it"
    fi
  done
}

# ---- build -------------------------------------------------------------------------------------------

is_new_enough() { "$1" --version 2>/dev/null | awk 'NR == 1 { split($3, v, "."); exit !(v[1] > 3 || (v[1] == 3 && v[2] >= 25)) }'; }

# Sets cmake to a CMake of 3.25 or later; an older or missing one is replaced by PyPI's, kept in build/tools.
find_build_tools() {
  cmake=cmake
  if is_new_enough cmake && has ninja; then return 0; fi
  tools=$root/build/tools
  if ! is_new_enough "$tools/bin/cmake" || [ ! -x "$tools/bin/ninja" ]; then
    say "installing cmake and ninja from PyPI into build/tools"
    base=$(find_python)
    [ -n "$base" ] || die 3 "CMake 3.25 or later and ninja are needed, or Python 3.10 or later to fetch them; install either"
    logged "$base" -m venv --clear "$tools" || fail 1 "$base could not make the environment $tools"
    logged "$tools/bin/python" -m pip install --disable-pip-version-check --no-input cmake ninja ||
      fail 4 "pip could not install cmake and ninja; install CMake 3.25 or later and ninja yourself"
  fi
  cmake=$tools/bin/cmake
  PATH=$tools/bin:$PATH  # so that CMake finds ninja; put back before the program starts
}

check_compiler() {
  compiler=${CXX:-c++}
  has "$compiler" || die 3 "there is no C++ compiler; install g++ 12 or later (or clang 14 or later) with this system's package manager"
  case $("$compiler" --version 2>/dev/null | head -n 1) in *clang*) return 0 ;; esac
  major=$("$compiler" -dumpversion 2>/dev/null | sed 's/[^0-9].*//')
  [ "${major:-0}" -ge 12 ] ||
    die 3 "$compiler is g++ ${major:-of unknown version} but 12 or later is needed; install one and name it, as in: CXX=g++-12 ./mlbench"
}

# configure_and_build PRESET FOLDER [CMAKE ARGUMENTS]
configure_and_build() {
  preset=$1 folder=$2
  shift 2
  # CMake refuses a build folder that was made for another place or compiler.
  if [ -f "$folder/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    rm -rf "$folder"
  fi
  say "configuring ${folder#"$root"/}"
  logged "$cmake" -S "$root" --preset "$preset" -B "$folder" -DMLBENCH_PYTHON="$python" "$@" ||
    fail 1 "CMake could not configure the build; cure what it says above and start again"
  say "building ${folder#"$root"/} (some minutes the first time; nothing is measured meanwhile)"
  logged "$cmake" --build "$folder" ||
    fail 1 "the build failed; if the sources are unchanged, please report it with the log"
}

# prepare PURPOSE: everything before the build. The caller holds the lock.
prepare() {
  printf '%s on %s\n' "$(date)" "$(uname -srm)" >"$log"
  user_path=$PATH
  install_system_packages "$1"
  if [ -n "$own_python" ]; then check_own_environment; else install_frameworks; fi
  check_compiler
  find_build_tools
}

set_up_release() {
  take_lock
  # Another process may have done it all while this one waited.
  if [ "$retry" = yes ] || ! is_current; then
    began=$(date +%s)
    say "setting up (log: $log)"
    prepare run
    mkdir -p "$build"
    : >"$stamp.new"  # takes the time of the sources that are built: a change during the build counts
    configure_and_build release "$build"
    printf '%s\n%s\n' "$root|$python" "$site" >"$stamp.content"
    touch -r "$stamp.new" "$stamp.content"
    rm -f "$stamp.new"
    mv "$stamp.content" "$stamp"
    say_what_is_missing
    say "ready after $(($(date +%s) - began)) s"
    PATH=$user_path
  fi
  release
}

# The workers of each --env, built against that environment. In a subshell, since the variables that
# name the build are those of the program itself otherwise.
set_up_environments() {
  printf '%s' "$environments" | sort -u | while IFS= read -r own_python; do
    # shellcheck disable=SC2030,SC2031  # in a subshell, so that these are of this environment only
    (
      python=$own_python build=$(folder_of "$own_python")
      stamp=$build/.ready
      is_current || set_up_release
    ) || exit
  done || exit
}

clean() {
  take_lock
  case ${1:-} in
    '') what="$root/build" ;;
    --all) what="$root/build and $root/.venv" ;;
    *) die 2 "clean knows --all and nothing else; $1 was given" ;;
  esac
  if [ "${1:-}" = --all ]; then rm -rf "$root/.venv"; fi
  rm -rf "$root/build"
  locked=no
  say "deleted $what; results are kept"
}
