#!/usr/bin/env bash
# Traffic through a whole Callfan with somebody hostile beside it, and the proof that the others lost nothing: dense sequence numbers,
# the law of the counters, each good monitor's view of every call against the sender's list, one core, and nothing left over.
set -euo pipefail

behaviours=(scribble records double-read sleeping liar punch churn hoard slow requests nonblock drain fault watch connect fork stop)
modes=(flood reorder invent reuse lines deaf replies states huge endless half)

usage() {
    cat <<END
usage: scripts/hostile.sh [OPTION]...

Each behaviour of a hostile application and each mode of a rogue provider in turn, every time beside the same traffic to good
monitors; first once without, and once beside a program that only burns processor time, so that their latencies can be compared.

  --behaviour NAME      only this one; may be repeated. A rogue provider's mode is rogue-MODE; many-calls is lineOpen, lineGetNewCalls and
                        lineClose in a loop over a million live calls. Default: all but many-calls
                        (${behaviours[*]}
                        $(printf 'rogue-%s ' "${modes[@]}"))
  --seconds N           of each (10)
  --rate N              calls per second of the traffic (1000)
  --live N              many-calls: live calls (1000000)
  --monitors N          good ones (4)
  --seed N              of the hostile ones (by the clock)
  --together            all in turn beside one traffic, which is sooner done
  --no-reference        not the run without
  --bin FOLDER          the programs (default: build/release/bin, built first)
  --no-build            do not build
  --keep                keep the folders with logs and records
  --help                this text

Exit status: 0 when nothing was lost, 1 when something was, 2 for a wrong command line.
END
}

chosen=() seconds=10 rate=1000 live=1000000 monitors=4 seed=$RANDOM reference=yes together=no bin="" build=yes
while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --rate | --live | --monitors | --seed)
        if [ $# -lt 2 ] || ! [[ $2 =~ ^[0-9]+$ ]]; then
            echo "hostile.sh: $1 takes a whole number" >&2
            exit 2
        fi
        case $1 in
        --seconds) seconds=$2 ;;
        --rate) rate=$2 ;;
        --live) live=$2 ;;
        --monitors) monitors=$2 ;;
        --seed) seed=$2 ;;
        esac
        shift 2
        ;;
    --behaviour)
        chosen+=("${2:?--behaviour takes a name}")
        shift 2
        ;;
    --bin)
        bin=${2:?--bin takes a folder} build=no
        shift 2
        ;;
    --no-build) build=no; shift ;;
    --no-reference) reference=no; shift ;;
    --together) together=yes; shift ;;
    --keep) KEEP_FOLDER=yes; shift ;;
    --help | -h) usage; exit 0 ;;
    *)
        echo "hostile.sh: unknown option $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done
known=" ${behaviours[*]} $(printf 'rogue-%s ' "${modes[@]}")many-calls "
for name in "${chosen[@]}"; do
    if [[ $known != *" $name "* ]]; then
        echo "hostile.sh: unknown behaviour $name" >&2
        exit 2
    fi
done
if [ ${#chosen[@]} -eq 0 ]; then
    chosen=("${behaviours[@]}" "${modes[@]/#/rogue-}")
fi

root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/scripts/service.sh"
if [ "$build" = yes ]; then
    (cd "$root" && cmake --preset release && cmake --build --preset release --target callfan callfand callfan-sim e2e_hostile e2e_rogue) \
        >/dev/null
fi
bin=${bin:-$root/build/release/bin}
tools=$(cd "$bin/../tests/e2e" && pwd)
for tool in jq setsid; do
    if ! command -v "$tool" >/dev/null; then
        echo "hostile.sh: $tool is missing; scripts/deps.sh installs it" >&2
        exit 2
    fi
done
trap service_stop EXIT
trap 'exit 130' INT TERM

result=0
fail() {
    echo "hostile.sh: $*" >&2
    result=1
}

# ---- parts ---------------------------------------------------------------------------------------

# configuration RATE CALLS HOLD_MS
configuration() {
    cat <<END
lines = 32768
calls = 2097152
calls_per_provider = 1048576
provider sim {
    command = "$bin/callfan-sim"
    args = {"--set", "record=$service_folder/record/1"}
    lines = 16
    rate = $1
    calls = $2
    answer = auto
    accept_ms = 50
    answer_ms = 200
    hold_ms = $3
    linger_ms = 50
    start_ms = 1000
}
provider other {
    lines = 4
    rate = 0
}
provider rogue {
}
provider hold {
    lines = 16
    rate = 20000
    calls = $live
    answer = auto
    hold_ms = 100000000
}
END
}

# start_service RATE CALLS HOLD_MS: with 20 lines in service, of which the traffic's are the first
start_service() {
    service_folder=$(mktemp -d "${TMPDIR:-/tmp}/callfan.XXXXXX")
    : >"$service_folder/log"
    started_ms=$(now_ms)
    mkdir "$service_folder/record"
    service_start "$(configuration "$@")"
    lines_are_up 16
    run_aside other "$bin/callfan-sim" --name other --config "$service_folder/callfan.conf"
    lines_are_up 20
    core=$(status .process.core_pid)
}

start_monitors() {
    run_aside check "$bin/callfan" check --monitors "$monitors" --line 0-15 --json --ready "$service_folder/ready" \
        --sender "$service_folder/record"
    check_pid=$aside_pid
    local i
    for ((i = 1; i <= monitors; i++)); do
        wait_for 30 "monitor $i" test -s "$service_folder/ready.$i"
    done
}

# Once a second: "SECONDS KIB" of the core.
memory_loop() {
    local from kib
    from=$(now_ms)
    while kib=$(resident_kib "$core"); do
        echo "$((($(now_ms) - from) / 1000)) $kib" >>"$service_folder/memory"
        sleep 1
    done
}

# Of the last half of a long run the core's memory must not have grown. A monitor that never gives back grows by what it holds.
print_memory() {
    awk -v hostile="$1" -v cpu="$(cpu_seconds "$core")" '
        { kib[n++] = $2 }
        END {
            if (n == 0)
                exit 1
            half = int(n / 2)
            printf "  core: %s s of processor time, %.1f MiB at the start, %.1f in the middle, %.1f at the end\n", cpu, kib[0] / 1024,
                kib[half] / 1024, kib[n - 1] / 1024
            if (n >= 60 && hostile != "hoard" && kib[n - 1] > kib[half] * 1.05 + 2048)
                exit 1
        }' "$service_folder/memory" || fail "$1: the core's memory has grown in the last half, or nobody saw it"
}

# The hostile one, for ${seconds}; its line of summary is printed.
run_hostile() {
    local code=0 victim=
    local -a command=("$tools/hostile" --behaviour "$1" --first-device 16)
    if [[ $1 = rogue-* ]]; then
        command=("$tools/rogue" --name rogue --mode "${1#rogue-}")
        # Somebody whose calls the rogue's are: without an application its calls would be refused at once.
        run_aside victim "$bin/callfan" monitor --json
        victim=$aside_pid
        wait_for 30 "who has the rogue's calls" status_is ".ports[] | select(.pid == $victim) | .open_lines > 0" true || fail "$1: no application"
    fi
    timeout -k 5 $((seconds * 2 + 60)) "${command[@]}" --seconds "$seconds" --seed "$seed" >"$service_folder/hostile" || code=$?
    sed 's/^/  /' "$service_folder/hostile"
    [ "$code" -eq 0 ] || fail "$1 ended with $code"
    if [ -n "$victim" ]; then
        kill -TERM "$victim" 2>/dev/null || true
        wait "$victim" 2>/dev/null || true
    fi
}

# Ends the monitors and prints what they found; p99 is the worst of theirs.
end_monitors() {
    local code=0
    kill -TERM "$check_pid" 2>/dev/null || true
    wait "$check_pid" || code=$?
    jq -rs 'def us: . / 1000 | round; "  good: \(map(.calls) | add) calls, \(map(.messages) | add) messages, missed \(map(.missed) | add) in " +
        "\(map(.gaps) | add) gaps, p99 \(map(.latency_ns.p99) | max | us) us, max \(map(.latency_ns.max) | max | us) us"' \
        "$service_folder/check.out"
    if [ "$code" -ne 0 ]; then
        jq -c 'select(.good | not) | {monitor, findings}' "$service_folder/check.out" >&2 || true
        head -n 20 "$service_folder/check.err" >&2
        fail "$1: the good monitors ended with $code"
    fi
    p99=$(jq -s 'map(.latency_ns.p99) | max' "$service_folder/check.out")
}

all_is_over() {
    status_is '.totals.calls_live + .totals.handles_live + (.ports | map(select(.kind == "application")) | length)' 0
}

same_descriptors() {
    [ "$(descriptors "$core")" -eq "$1" ] && [ "$(descriptors "$service_pid")" -eq "$2" ]
}

# What the service says of itself; the law; nothing may be left; and nobody can make it fill its log.
check_service() {
    local lines most=$((($(now_ms) - started_ms) / 1000 * 80 + 200))
    lines=$(wc -l <"$service_folder/log")
    [ "$lines" -le "$most" ] || fail "$1: $lines lines of log"
    status '"  service: bad records \(.totals.bad_records), stale events \(.totals.stale_events), stale requests \(.totals.stale_requests), " +
        "calls refused \(.totals.calls_refused), handles refused \(.totals.handles_refused), set aside \(.totals.set_aside); door: " +
        "refused \(.door.refused), expelled \(.door.expelled); core restarts \(.process.core_restarts), log lines '"$lines"'"'
    status_is '.process.core_restarts' 0 && [ "$(status .process.core_pid)" = "$core" ] || fail "$1: the core started again"
    status_is '.providers | map(select(.name == "sim") | .restarts)[0]' 0 || fail "$1: the good provider started again"
    local broken
    broken=$(status '.ports[] | select(.offered != .delivered + .pending + .missed + .cancelled)') && [ -z "$broken" ] ||
        fail "$1: the law does not hold"
}

# saw_traffic NAME: what nobody called proves nothing.
saw_traffic() {
    local calls
    calls=$(jq -s 'map(.same) | min // 0' "$service_folder/check.out")
    [ "$calls" -gt 0 ] && [ "$calls" -ge $((rate * seconds * 8 / 10)) ] || fail "$1: $calls calls were seen, which proves nothing"
}

# ---- runs ----------------------------------------------------------------------------------------

print_ratio() {
    [ -n "$reference_p99" ] || return 0
    jq -nr --argjson a "$p99" --argjson b "$reference_p99" --argjson c "${burn_p99:-0}" '"  p99 \($a / $b * 100 | round / 100) times that of the run without" +
        (if $c > 0 then ", \($a / $c * 100 | round / 100) times that beside a program that only burns processor time" else "" end)'
}

# run_one NAME...: these behaviours in turn beside one traffic; without a name, nobody
run_one() {
    local name="$*" one traffic=$((seconds * ($# > 1 ? $# * 5 / 4 : 1) + 2)) core_descriptors keeper_descriptors
    echo "== ${name:-nobody}: $rate calls/s for $traffic s, $monitors good monitors"
    start_service "$rate" $((rate * traffic)) 700
    core_descriptors=$(descriptors "$core") keeper_descriptors=$(descriptors "$service_pid")
    start_monitors
    pause 1
    memory_loop &
    service_children+=($!)
    for one; do
        run_hostile "$one"
    done
    [ -n "$name" ] || pause "$seconds"
    pause 2
    wait_for 60 "$name: the end of all calls" status_is '.totals.calls_live' 0 || result=1
    print_memory "$name"
    end_monitors "$name"
    saw_traffic "$name"
    poll_seconds=0.1 wait_for 60 "$name: nothing left of calls, handles and applications" all_is_over || result=1
    wait_for 30 "$name: descriptors as before" same_descriptors "$core_descriptors" "$keeper_descriptors" ||
        fail "$name: descriptors left: core $core_descriptors then, $(descriptors "$core") now; keeper $keeper_descriptors, $(descriptors "$service_pid")"
    check_service "$name"
    service_stop || result=1
    if [ -z "$name" ]; then
        reference_p99=$p99
    elif [ "$name" = burn ]; then
        print_ratio
        burn_p99=$p99
    else
        print_ratio
    fi
}

holds() {
    [ "$(status .totals.calls_made)" -ge "$live" ]
}

# The churn over a million live calls of another provider, whose calls the good monitors do not have; then the death of that provider.
run_many_calls() {
    local traffic=$((seconds + 2)) name=many-calls hold began
    echo "== many-calls: $live live calls beside $rate calls/s for $traffic s, $monitors good monitors"
    start_service "$rate" $((rate * traffic)) 700
    run_aside hold "$bin/callfan-sim" --name hold --config "$service_folder/callfan.conf"
    hold=$aside_pid
    lines_are_up 36
    run_aside holder "$bin/callfan" monitor --line 20-35 --json
    poll_seconds=0.5 wait_for $((60 + live / 5000)) "$live live calls" holds || result=1
    start_monitors
    pause 1
    run_hostile churn
    pause 2
    end_monitors "$name"
    saw_traffic "$name"
    began=$(now_ms)
    kill -KILL "$hold"
    poll_seconds=0.2 wait_for 120 "$name: the end of all calls" status_is '.totals.calls_live' 0 || result=1
    echo "  the provider of $live calls killed: no call left after $(($(now_ms) - began)) ms; core $(($(resident_kib "$core") / 1024)) MiB"
    check_service "$name"
    service_stop || result=1
    print_ratio
}

reference_p99="" burn_p99=""
if [ "$reference" = yes ]; then
    run_one
    run_one burn
fi
if [ "$together" = yes ]; then
    run_one "${chosen[@]}"
    chosen=()
fi
for name in "${chosen[@]}"; do
    if [ "$name" = many-calls ]; then run_many_calls; else run_one "$name"; fi
done
if [ "$result" -ne 0 ]; then
    echo "hostile.sh: something was lost or failed (seed $seed)" >&2
fi
exit "$result"
