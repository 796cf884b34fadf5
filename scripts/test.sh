#!/usr/bin/env bash
# Builds Callfan and runs its tests, in the release, asan and tsan builds. Installs what is missing on Debian 12.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/test.sh [--preset NAME]... [--whole] [--jobs N] [--no-install] [-- CTEST_OPTIONS...]

  --preset NAME   only this build: release, debug, asan or tsan; may be given several times
  --whole         in tsan also what has one thread only: ThreadSanitizer finds nothing there, and takes minutes
  --jobs N        compile and test that many at a time (default: as many as CPUs, three times as many tests)
  --no-install    do not install missing packages
  --help          this text

What follows -- goes to ctest, for example: scripts/test.sh --preset release -- -R ring
Exit status: 0 when everything was built and every test passed.
END
}

presets=()
jobs=$(nproc)
test_jobs=$((3 * jobs)) # most tests wait for most of their time
install=yes whole=no
while [ $# -gt 0 ]; do
    case $1 in
    --preset | --jobs)
        if [ $# -lt 2 ]; then
            echo "test.sh: $1 needs a value" >&2
            exit 2
        fi
        if [ "$1" = --preset ]; then presets+=("$2"); else jobs=$2 test_jobs=$2; fi
        shift 2
        ;;
    --no-install) install=no; shift ;;
    --whole) whole=yes; shift ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    *)
        echo "test.sh: unknown option $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done
if [ ${#presets[@]} -eq 0 ]; then
    presets=(release asan tsan)
fi
for preset in "${presets[@]}"; do
    case $preset in
    release | debug | asan | tsan) ;;
    *)
        echo "test.sh: no preset '$preset': release, debug, asan or tsan" >&2
        exit 2
        ;;
    esac
done
if ! [[ $jobs =~ ^[1-9][0-9]*$ ]]; then
    echo "test.sh: --jobs takes a number, not '$jobs'" >&2
    exit 2
fi

cd "$(dirname "$0")/.."
source scripts/deps.sh
if [ "$install" = yes ]; then
    install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
fi

# ThreadSanitizer of gcc 12 and clang 14 does not start where the kernel places mappings with more than 28 random bits.
run_of() {
    local bits=28
    if [ -r /proc/sys/vm/mmap_rnd_bits ]; then
        bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
    fi
    if [ "$1" = tsan ] && [ "$bits" -gt 28 ]; then
        echo "setarch $(uname -m) -R"
    fi
}

idle=() # where a process may not choose how it is scheduled, builds compete with the tests
if chrt -i 0 true 2>/dev/null; then
    idle=(chrt -i 0)
fi

# Configures and compiles one preset, with what is left of the processors while another is tested.
build_preset() {
    local preset=$1 started=$SECONDS
    # Warnings count in one build; sanitizers make the compiler see some that are none.
    local werror=OFF
    if [ "$preset" = release ]; then
        werror=ON
    fi
    mkdir -p "build/$preset"
    "${idle[@]}" cmake --preset "$preset" -DCALLFAN_WERROR=$werror &&
        "${idle[@]}" cmake --build --preset "$preset" --parallel "$jobs" &&
        echo "callfan: built in $((SECONDS - started)) s"
}

# One preset that is built: prints the output of what failed, and ctest's closing lines.
test_preset() {
    local preset=$1 log=build/$1/test.log started=$SECONDS status=0
    local -a selected=(--preset "$1")
    shift
    if [ "$preset" = tsan ] && [ $whole = yes ]; then
        selected=(--test-dir build/tsan --output-on-failure -LE release-only)
    fi
    # shellcheck disable=SC2046
    $(run_of "$preset") ctest "${selected[@]}" --parallel "$test_jobs" "$@" >"$log" 2>&1 || status=$?
    if [ $status -ne 0 ]; then
        sed '/% tests passed/,$d' "$log" |
            grep -v -E '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test +#[0-9]+: .* Passed )' | head -n 400 || true
    fi
    sed -n '/% tests passed/,$p' "$log"
    echo "== $preset: ctest ended with $status after $((SECONDS - started)) s (its output: $log)"
    return $status
}

building=
trap 'if [ -n "$building" ]; then kill -- "-$building" 2>/dev/null || true; fi' EXIT
start_build() { # PRESET, or nothing
    building=
    if [ $# -gt 0 ]; then
        mkdir -p "build/$1"
        set -m # a process group of its own, to be ended with all that it has started
        build_preset "$1" >"build/$1/build.log" 2>&1 &
        building=$!
        set +m
    fi
}

failed=()
start_build "${presets[0]}"
for i in "${!presets[@]}"; do
    preset=${presets[i]} log=build/${presets[i]}/build.log
    echo "== $preset: build"
    if wait "$building"; then
        echo "== $preset: $(sed -n '$s/^callfan: //p' "$log"); tests"
        start_build "${presets[@]:i+1:1}"
        test_preset "$preset" "$@" || failed+=("$preset")
    else
        tail -n 60 "$log"
        echo "== $preset: the build FAILED (all of it: $log)"
        failed+=("$preset")
        start_build "${presets[@]:i+1:1}"
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
echo "passed: ${presets[*]}"
