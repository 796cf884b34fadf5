#!/usr/bin/env bash
# Looks for defects without running the programs (clang-tidy, cppcheck, gcc -fanalyzer), and under valgrind while the conformance
# tests run them.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/analyze.sh [--jobs N] [--no-install] [tidy] [cppcheck] [gcc] [valgrind]

  tidy          clang-tidy with the checks of .clang-tidy
  cppcheck      cppcheck with the suppressions of scripts/analyze.cppcheck
  gcc           gcc -fanalyzer (build/analyzer)
  valgrind      memcheck: conformance tests, and the service they run against; errors and leaks
                (--valgrind-only REGEX: only these tests)

Without a name the first three. All but valgrind look at the folders shm, core, client, adapters, apps. Each must find nothing: what is
no defect is suppressed where it stands, with the reason. Logs: build/analyze. Exit status: 0 nothing found, 1 findings, 2 wrong
command line.
END
}

jobs=$(nproc)
install=yes
# Not I-9_a_record...: its core kills itself, which valgrind does not carry out while another thread is within a system call.
tests='^conformance_([^I]|I-[^9]|I-9_[^a])'
what=()
while [ $# -gt 0 ]; do
    case $1 in
    --jobs | --valgrind-only)
        if [ $# -lt 2 ]; then
            echo "analyze.sh: $1 needs a value" >&2
            exit 2
        fi
        if [ "$1" = --jobs ]; then jobs=$2; else tests=$2; fi
        shift 2
        ;;
    --no-install) install=no; shift ;;
    --help | -h) usage; exit 0 ;;
    tidy | cppcheck | gcc | valgrind) what+=("$1"); shift ;;
    *)
        echo "analyze.sh: unknown argument $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done
if [ ${#what[@]} -eq 0 ]; then
    what=(tidy cppcheck gcc)
fi
if ! [[ $jobs =~ ^[1-9][0-9]*$ ]]; then
    echo "analyze.sh: --jobs takes a number, not '$jobs'" >&2
    exit 2
fi

cd "$(dirname "$0")/.."
source scripts/deps.sh
if [ "$install" = yes ]; then
    install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" clang-tidy cppcheck valgrind
fi
for one in "${what[@]}"; do
    case $one in tidy) tool=clang-tidy ;; gcc) tool=gcc ;; *) tool=$one ;; esac
    if ! command -v "$tool" >/dev/null; then
        echo "analyze.sh: $tool is missing" >&2
        exit 2
    fi
done
logs=build/analyze
mkdir -p "$logs"
folders=(shm core client adapters apps)

configure() { # PRESET
    cmake --preset "$1" >"$logs/cmake" 2>&1 || { cat "$logs/cmake"; exit 1; }
}

# verdict NAME LOG COUNT
verdict() {
    if [ "$3" -eq 0 ]; then
        echo "$1: nothing found"
    else
        echo "$1: $3 findings ($2):"
        head -n 100 "$2"
        result=1
    fi
}

run_tidy() {
    configure release
    find "${folders[@]}" -name '*.c' -print0 | sort -z |
        xargs -0 -P "$jobs" -n 4 clang-tidy -p build/release --quiet >"$logs/tidy.all" 2>"$logs/tidy.err" || true
    if grep -E 'Error while processing|error reading|terminated by signal|compilation database' "$logs/tidy.err"; then
        echo "clang-tidy: it did not look at everything ($logs/tidy.err)"
        result=1
    fi
    grep -E '(warning|error): ' "$logs/tidy.all" | sort -u >"$logs/tidy" || true
    verdict clang-tidy "$logs/tidy" "$(wc -l <"$logs/tidy")"
}

run_cppcheck() {
    cppcheck -j "$jobs" --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
        --suppressions-list=scripts/analyze.cppcheck -I. -Iinclude -D__linux__ --template='{file}:{line}: {id}: {message}' \
        "${folders[@]}" >"$logs/cppcheck.all" 2>&1 || true
    grep -v '^$' "$logs/cppcheck.all" | sort -u >"$logs/cppcheck" || true
    verdict cppcheck "$logs/cppcheck" "$(wc -l <"$logs/cppcheck")"
}

# Leaks are left to LeakSanitizer and valgrind: version 12 takes for lost what was stored in another object.
run_gcc() {
    cmake -S . -B build/analyzer -G Ninja -DCMAKE_BUILD_TYPE=Release -DCALLFAN_TESTS=OFF -DCALLFAN_BENCH=OFF \
        -DCMAKE_C_FLAGS="-fanalyzer -Wno-analyzer-malloc-leak -fdiagnostics-plain-output" >"$logs/cmake" 2>&1 || { cat "$logs/cmake"; exit 1; }
    cmake --build build/analyzer --clean-first --parallel "$jobs" >"$logs/gcc.all" 2>&1 || { tail -n 40 "$logs/gcc.all"; exit 1; }
    grep -E 'warning: .*\[-Wanalyzer' "$logs/gcc.all" | sort -u >"$logs/gcc" || true
    verdict "gcc -fanalyzer" "$logs/gcc" "$(wc -l <"$logs/gcc")"
}

# valgrind_one PROGRAM BIN FLAG...: its output stays where it failed.
valgrind_one() {
    local program=$1 bin=$2 root=$PWD output
    output=$root/$logs/valgrind/$(basename "$1")
    shift 2
    if (cd build/release && CALLFAN_SANDBOX=false CALLFAN_BIN=$bin timeout 300 valgrind "$@" "$root/$program") >"$output" 2>&1; then
        rm "$output"
    else
        mv "$output" "$output.failed"
    fi
}

# The tests find their programs in CALLFAN_BIN: there each stands as a script that runs it under valgrind. A finding ends a process
# with 99, which the test sees; what a process that is killed had lost, nobody counts.
run_valgrind() {
    configure release
    cmake --build build/release --parallel "$jobs" >"$logs/build" 2>&1 || { tail -n 40 "$logs/build"; exit 1; }
    local root bin flags program tests_run=0 bad=0
    root=$PWD
    bin=$root/$logs/bin
    rm -rf "$bin" "$logs/valgrind"
    mkdir -p "$bin" "$logs/valgrind"
    flags=(--quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite
        --fair-sched=try --num-callers=20 --suppressions="$root/scripts/analyze.valgrind" --log-file="$root/$logs/valgrind/%p")
    for program in build/release/bin/*; do
        [ -x "$program" ] && [ -f "$program" ] || continue
        printf '#!/bin/sh\nexec valgrind %s "%s" "$@"\n' "${flags[*]}" "$root/$program" >"$bin/$(basename "$program")"
        chmod +x "$bin/$(basename "$program")"
    done
    # Most of a test's time is waiting.
    while read -r program; do
        tests_run=$((tests_run + 1))
        while [ "$(jobs -rp | wc -l)" -ge $((3 * jobs)) ]; do
            wait -n || true
        done
        valgrind_one "$program" "$bin" "${flags[@]}" &
    done < <(find build/release/tests -maxdepth 1 -type f -executable -printf '%p\n' | sort | grep -E "/${tests#^}")
    wait
    bad=$(find "$logs/valgrind" -name '*.failed' | wc -l)
    find "$logs/valgrind" -name '*.failed' -exec tail -n 15 {} +
    find "$logs/valgrind" -name '[0-9]*' -exec cat {} + |
        grep -v -E 'WARNING: unhandled|You may be able to write|README_MISSING_SYSCALL|we consider this a bug|valgrind.org/support' >"$logs/valgrind.all" || true
    grep -cE '^==[0-9]+== +(Invalid|Conditional jump|Use of uninit|Syscall param|[0-9,]+ .*bytes in .* definitely)' "$logs/valgrind.all" \
        >"$logs/valgrind.count" || true
    echo "valgrind: $tests_run tests run, $bad failed"
    if [ "$tests_run" -eq 0 ]; then
        echo "valgrind: no test was found" >&2
        result=1
    fi
    [ "$bad" -eq 0 ] || result=1
    verdict valgrind "$logs/valgrind.all" "$(cat "$logs/valgrind.count")"
}

result=0
for one in "${what[@]}"; do
    "run_$one"
done
exit $result
