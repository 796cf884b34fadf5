#!/usr/bin/env bash
# Builds the fuzz targets with clang and libFuzzer in build/fuzz and runs them one after the other.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/fuzz.sh [OPTIONS] [NAME...]

  NAME            only these targets: fuzz_sip_scan, or shorter: sip_scan (default: all)
  --seconds N     of each target (default 60)
  --no-build      run what is built
  --no-install    do not install missing packages
  --list          print the targets' names and end
  --help          this text

A target starts from the folders tests/corpus/NAME and tests/corpus/NAME_*, sip_scan from the captured and the torture
messages too. What it finds worth keeping goes to build/fuzz/corpus/NAME, an input that crashes it,
hangs or eats memory to build/fuzz/crashes/NAME, its log to build/fuzz/log/NAME. Exit status 1 when there was a crash.
END
}

seconds=60
build=yes
install=yes
names=()
cd "$(dirname "$0")/.."
mapfile -t known < <(find tests -maxdepth 1 -name 'fuzz_*.c' ! -name fuzz_main.c -printf '%f\n' | sed 's/^fuzz_//; s/\.c$//' | sort)
while [ $# -gt 0 ]; do
    case $1 in
    --seconds)
        if [ $# -lt 2 ] || ! [[ $2 =~ ^[0-9]+$ ]]; then
            echo "fuzz.sh: --seconds needs a number" >&2
            exit 2
        fi
        seconds=$2
        shift 2
        ;;
    --no-build) build=no; shift ;;
    --no-install) install=no; shift ;;
    --list) printf '%s\n' "${known[@]}"; exit 0 ;;
    --help | -h) usage; exit 0 ;;
    -*)
        echo "fuzz.sh: unknown option $1" >&2
        usage >&2
        exit 2
        ;;
    *) names+=("${1#fuzz_}"); shift ;;
    esac
done
if [ ${#names[@]} -eq 0 ]; then
    names=("${known[@]}")
fi
for name in "${names[@]}"; do
    if [ ! -f "tests/fuzz_$name.c" ]; then
        echo "fuzz.sh: no target $name; there are: ${known[*]}" >&2
        exit 2
    fi
done

source scripts/deps.sh
if [ "$install" = yes ]; then
    install_packages "${BUILD_PACKAGES[@]}" clang libclang-rt-14-dev
fi
mkdir -p build/fuzz/corpus build/fuzz/crashes build/fuzz/log
if [ "$build" = yes ]; then
    echo "building ..." >&2
    targets=()
    for name in "${names[@]}"; do
        targets+=(--target "fuzz_$name")
    done
    if ! { CC=clang CXX=clang++ cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=Release -DCALLFAN_FUZZ=ON \
        -DCALLFAN_BENCH=OFF && cmake --build build/fuzz "${targets[@]}"; } >build/fuzz/log/build 2>&1; then
        tail -n 60 build/fuzz/log/build >&2
        exit 1
    fi
fi

# The folders of seeds for a target: its own; SIP messages serve the scanner.
seeds_of() {
    local folder
    for folder in tests/corpus/"$1" tests/corpus/"$1"_*; do
        if [ -d "$folder" ]; then
            echo "$folder"
        fi
    done
    if [ "$1" = sip_scan ]; then
        find tests/corpus -mindepth 1 -maxdepth 1 -type d \( -name sip_capture -o -name sip_torture \)
    fi
}

failed=0
for name in "${names[@]}"; do
    corpus=build/fuzz/corpus/$name
    crashes=build/fuzz/crashes/$name
    log=build/fuzz/log/$name
    mkdir -p "$corpus" "$crashes"
    mapfile -t seeds < <(seeds_of "$name")
    status=0
    build/fuzz/tests/fuzz_"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="$crashes/" "$corpus" "${seeds[@]}" >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    coverage=$(grep -a -o 'cov: [0-9]* ft: [0-9]*' "$log" | tail -n 1 || true)
    kept=$(find "$corpus" -type f | wc -l)
    found=$(find "$crashes" -type f | wc -l)
    printf '%-14s %10s runs  %-22s %6d kept  %d crash files  %s\n' "$name" "${runs:-?}" "${coverage:-no coverage}" "$kept" \
        "$found" "$([ "$status" -eq 0 ] && echo ok || echo "FAILED ($status), see $log")"
    if [ "$status" -ne 0 ]; then
        failed=1
    fi
done
exit $failed
