#!/usr/bin/env bash
# Builds the fuzz targets with clang and libFuzzer in build/fuzz and runs them one after the other.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/fuzz.sh [OPTIONS] [NAME...]

  NAME            only these targets: fuzz_sip_scan, or shorter: sip_scan (default: all)
  --seconds N     of each target (default 60)
  --merge         make the kept corpus small: only inputs that reach something that no other reaches; no fuzzing
  --coverage      which lines of which files the kept corpus and the seeds reach; no fuzzing. Built with clang's coverage
                  in build/fuzz-coverage; the whole listing of a target goes to build/fuzz/coverage/NAME.txt
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
mode=fuzz
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
    --merge) mode=merge; shift ;;
    --coverage) mode=coverage; shift ;;
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
    packages=(clang libclang-rt-14-dev)
    if [ "$mode" = coverage ]; then
        packages+=(llvm-14)
    fi
    install_packages "${BUILD_PACKAGES[@]}" "${packages[@]}"
fi
mkdir -p build/fuzz/corpus build/fuzz/crashes build/fuzz/log build/fuzz/coverage

# Builds the targets in a folder; further arguments are for cmake.
build_in() {
    local folder=$1 targets=() name
    shift
    for name in "${names[@]}"; do
        targets+=(--target "fuzz_$name")
    done
    echo "building in $folder ..." >&2
    if ! { CC=clang CXX=clang++ cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCALLFAN_FUZZ=ON \
        -DCALLFAN_BENCH=OFF "$@" && cmake --build "$folder" "${targets[@]}"; } >build/fuzz/log/build 2>&1; then
        tail -n 60 build/fuzz/log/build >&2
        exit 1
    fi
}

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

# What a target is about: files whose coverage says something of it.
files_of() {
    case $1 in
    client_messages) echo client/receive.c client/messages.c client/structs.c client/calls.c client/lines.c client/request.c ;;
    config) echo apps/callfand/config.c apps/callfand/outline.c adapters/provider/options.c adapters/{sip,modem,sim}/settings.c ;;
    fields) echo shm/ring.c shm/fields.h ;;
    hello) echo apps/callfand/admit.c apps/callfand/visitor.c ;;
    modem_at) echo adapters/modem/{at,cause}.c ;;
    modem_line) echo adapters/modem/{modem,call,chat,order,urc,list,at,cause}.c ;;
    provider_records) echo core/{events,calls,lines,parties,information,behind,service,turn,output,door}.c ;;
    requests) echo core/{requests,information,calls,lines,behind,service,turn,output,marks}.c shm/handle_table.c ;;
    script) echo adapters/sim/script.c adapters/sim/script_words.c ;;
    sip_auth) echo adapters/sip/auth.c ;;
    sip_extension) echo adapters/sip/extension.c adapters/sip/referral.c ;;
    sip_frame) echo adapters/sip/frame.c ;;
    sip_identity) echo adapters/sip/identity.c ;;
    sip_roster) echo adapters/sip/roster.c ;;
    sip_scan) echo adapters/sip/scan.c adapters/sip/field.c ;;
    sip_sdp) echo adapters/sip/sdp.c ;;
    sip_uas) echo adapters/sip/{ua,uas,uac,call,dialog,request,response,reply,client,transaction,line,session,watch}.c ;;
    welcome) echo client/attach.c adapters/provider/port.c shm/sys_memory.c ;;
    *)
        echo "fuzz.sh: --coverage does not know which files $1 is about: say so in files_of()" >&2
        return 1
        ;;
    esac
}

# ---------------------------------------------------------------------- coverage

cover() {
    local name=$1 out=build/fuzz/coverage/$1 files seeds
    read -r -a files <<<"$(files_of "$name")"
    if [ ${#files[@]} -eq 0 ]; then
        return 1
    fi
    mkdir -p build/fuzz/corpus/"$name"
    mapfile -t seeds < <(seeds_of "$name")
    # -runs=0 reads every input once; it never writes into the folders.
    rm -f "$out.profraw" "$out.profdata" "$out.report" "$out.txt"
    if ! LLVM_PROFILE_FILE=$out.profraw build/fuzz-coverage/tests/fuzz_"$name" -runs=0 build/fuzz/corpus/"$name" \
        "${seeds[@]}" >"$out.log" 2>&1; then
        echo "fuzz.sh: $name fails over its own corpus, see $out.log" >&2
        return 1
    fi
    # Each is looked at: set -e does not hold in a function whose status is asked for.
    if ! llvm-profdata-14 merge -sparse "$out.profraw" -o "$out.profdata" ||
        ! llvm-cov-14 report build/fuzz-coverage/tests/fuzz_"$name" -instr-profile="$out.profdata" "${files[@]/#/$PWD/}" >"$out.report" ||
        ! llvm-cov-14 show build/fuzz-coverage/tests/fuzz_"$name" -instr-profile="$out.profdata" "${files[@]/#/$PWD/}" >"$out.txt"; then
        echo "fuzz.sh: $name: the coverage cannot be read" >&2
        return 1
    fi
    rm -f "$out.profraw"
    # llvm-cov cuts off what the names have in common, nothing of a single one. A file that it does not know it leaves out.
    if ! awk -v name="$name" -v here="$PWD/" -v wanted=${#files[@]} '
        NF >= 10 && $1 != "Filename" && !(NR > 4 && $1 == "TOTAL" && files == 1) {
            files++
            sub(here, "", $1)
            printf "%-17s %-28s %8s %8s %8s\n", name, $1, $10, $4, $7
            name = ""
        }
        END { exit files != wanted + (wanted > 1) }' "$out.report"; then
        echo "fuzz.sh: $name: the report lacks a file: there should be ${files[*]}; see $out.report" >&2
        return 1
    fi
}

if [ "$mode" = coverage ]; then
    for tool in llvm-profdata-14 llvm-cov-14; do
        if ! command -v $tool >/dev/null; then
            echo "fuzz.sh: $tool is missing: apt-get install llvm-14" >&2
            exit 1
        fi
    done
    if [ "$build" = yes ]; then
        flags="-fprofile-instr-generate -fcoverage-mapping"
        build_in build/fuzz-coverage -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags"
    fi
    failed=0
    printf '%-17s %-28s %8s %8s %8s\n' target file lines regions functions
    for name in "${names[@]}"; do
        cover "$name" || failed=1
    done
    exit $failed
fi

if [ "$build" = yes ]; then
    build_in build/fuzz
fi

# ---------------------------------------------------------------------- merge

# A smaller folder in place of the kept one; what the seeds reach is not kept again.
merge() {
    local name=$1 corpus=build/fuzz/corpus/$1 small=build/fuzz/corpus/$1.small log=build/fuzz/log/$1.merge seeds before
    mkdir -p "$corpus"
    mapfile -t seeds < <(seeds_of "$name")
    before=$(find "$corpus" -type f | wc -l)
    rm -rf "$small"
    mkdir "$small"
    for folder in "${seeds[@]}"; do
        find "$folder" -type f -exec cp -t "$small" {} +
    done
    if ! build/fuzz/tests/fuzz_"$name" -merge=1 -timeout=10 -rss_limit_mb=2048 "$small" "$corpus" >"$log" 2>&1; then
        echo "fuzz.sh: $name cannot be merged, see $log" >&2
        rm -rf "$small"
        return 1
    fi
    for folder in "${seeds[@]}"; do
        find "$folder" -type f -printf '%f\0' | (cd "$small" && xargs -0 -r rm -f)
    done
    rm -rf "$corpus"
    mv "$small" "$corpus"
    printf '%-17s %6d kept of %d\n' "$name" "$(find "$corpus" -type f | wc -l)" "$before"
}

failed=0
if [ "$mode" = merge ]; then
    for name in "${names[@]}"; do
        merge "$name" || failed=1
    done
    exit $failed
fi

# ---------------------------------------------------------------------- fuzzing

TIMEFORMAT='%U %S'
for name in "${names[@]}"; do
    corpus=build/fuzz/corpus/$name
    crashes=build/fuzz/crashes/$name
    log=build/fuzz/log/$name
    mkdir -p "$corpus" "$crashes"
    mapfile -t seeds < <(seeds_of "$name")
    status=0
    { time build/fuzz/tests/fuzz_"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="$crashes/" "$corpus" "${seeds[@]}" >"$log" 2>&1; } 2>"$log.time" || status=$?
    cpu=$(tail -n 1 "$log.time" | awk '{printf "%.0f", $1 + $2}')
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    coverage=$(grep -a -o 'cov: [0-9]* ft: [0-9]*' "$log" | tail -n 1 || true)
    kept=$(find "$corpus" -type f | wc -l)
    found=$(find "$crashes" -type f | wc -l)
    printf '%-17s %10s runs  %5s s CPU  %-22s %6d kept  %d crash files  %s\n' "$name" "${runs:-?}" "$cpu" \
        "${coverage:-no coverage}" "$kept" "$found" "$([ "$status" -eq 0 ] && echo ok || echo "FAILED ($status), see $log")"
    if [ "$status" -ne 0 ]; then
        failed=1
    fi
done
exit $failed
