#!/usr/bin/env bash
# Traffic through a whole Callfan, and the proof that nothing was lost: dense sequence numbers, the law of the counters, and each
# monitor's view of every call against the sender's list.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/load.sh MODE... [OPTION]...

Modes:
  sim     simulated calls to checking monitors (10,000 calls/s for 60 s)
  sip     calls from sipp to an owner that answers, and checking monitors (500 calls/s for 60 s)
  sip-out calls of callfan dial to sipp, and checking monitors (500 calls/s for 60 s)
  sip-max calls from sipp to an owner that answers, faster and faster (from 1000 calls/s on, 5 s each): how many per second no call of which fails
  kill    simulated calls; again and again kill -9 of the core, a monitor, the owner and the provider
  stop    simulated calls; one monitor is stopped for a while, beside the same run without the stop
  all     these but sip-max

The modes sip, sip-out and sip-max also print the adapter's processor time and switches per call, the first two also what memory it and the core
had in use over the time: from 200 s on it must not have grown in the last half.

  --calls-per-second N  (sim 10000, sip 500, sip-out 500, sip-max 1000, kill 2000, stop 10000)
  --seconds N           of traffic (60; sip-max 5)
  --monitors N          (4)
  --stop-seconds N      how long the monitor stands still (60; the traffic lasts as long and 8 s more)
  --no-reference        stop: not the run without the stop
  --ring-kib N          message ring of the monitors (the service's default)
  --kill-every N        seconds between two kills (2)
  --hold-ms N           holding time of simulated calls in the mean (3000)
  --wake-us N           least time between two wake-ups of an application (the service's default)
  --gather-us N         sip, sip-out, sip-max: gather_us of the adapter (0)
  --system-calls        sip, sip-out, sip-max: count the adapter's system calls too (perf, root), which takes a little time
  --real-time           everything under SCHED_RR, so that other work on the machine is not measured too (root)
  --bin FOLDER          the programs (default: build/release/bin, built first)
  --no-build            do not build
  --keep                keep the folder with logs and records
  --help                this text

Exit status: 0 when nothing was lost, 1 when something was, 2 for a wrong command line.
END
}

modes=() rate="" seconds="" gather_us=0 system_calls=no monitors=4 stop_seconds=60 kill_every=2 hold_ms=3000 wake_us="" ring_kib="" reference=yes real_time=no bin="" build=yes
while [ $# -gt 0 ]; do
    case $1 in
    sim | sip | sip-out | sip-max | kill | stop) modes+=("$1"); shift ;;
    all) modes+=(sim sip sip-out kill stop); shift ;;
    --calls-per-second | --seconds | --monitors | --stop-seconds | --kill-every | --hold-ms | --wake-us | --ring-kib | \
        --gather-us)
        if [ $# -lt 2 ] || ! [[ $2 =~ ^[0-9]+$ ]]; then
            echo "load.sh: $1 takes a whole number" >&2
            exit 2
        fi
        case $1 in
        --calls-per-second) rate=$2 ;;
        --seconds) seconds=$2 ;;
        --monitors) monitors=$2 ;;
        --stop-seconds) stop_seconds=$2 ;;
        --kill-every) kill_every=$2 ;;
        --hold-ms) hold_ms=$2 ;;
        --wake-us) wake_us=$2 ;;
        --ring-kib) ring_kib=$2 ;;
        --gather-us) gather_us=$2 ;;
        esac
        shift 2
        ;;
    --bin)
        bin=${2:?--bin takes a folder} build=no
        shift 2
        ;;
    --no-build) build=no; shift ;;
    --no-reference) reference=no; shift ;;
    --real-time) real_time=yes; shift ;;
    --system-calls) system_calls=yes; shift ;;
    --keep) KEEP_FOLDER=yes; shift ;;
    --help | -h) usage; exit 0 ;;
    *)
        echo "load.sh: unknown mode or option $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done
if [ ${#modes[@]} -eq 0 ]; then
    usage >&2
    exit 2
fi

root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/scripts/service.sh"
if [ "$build" = yes ]; then
    (cd "$root" && cmake --preset release && cmake --build --preset release --target callfan callfand callfan-sim callfan-sip) \
        >/dev/null
fi
bin=${bin:-$root/build/release/bin}
for tool in jq setsid; do
    if ! command -v "$tool" >/dev/null; then
        echo "load.sh: $tool is missing; scripts/deps.sh installs it" >&2
        exit 2
    fi
done
if [ "$real_time" = yes ]; then
    chrt -r -p 5 $$ >/dev/null # what is started inherits it
fi
trap service_stop EXIT
trap 'exit 130' INT TERM

result=0
fail() {
    echo "load.sh: $*" >&2
    result=1
}

# ---- parts ---------------------------------------------------------------------------------------

globals() {
    if [ -n "$wake_us" ]; then
        echo "wake_interval_us = $wake_us"
    fi
}

# sim_section CALLS ANSWER: the provider, through a script that gives each start its own record and serial numbers.
sim_section() {
    cat >"$service_folder/sim" <<END
#!/bin/sh
starts=\$(cat "$service_folder/starts" 2>/dev/null || echo 0)
starts=\$((starts + 1))
echo \$starts >"$service_folder/starts"
if [ \$starts -gt 1 ]; then
    set -- "\$@" --set start_ms=0
fi
exec "$bin/callfan-sim" "\$@" --set record="$service_folder/record/\$starts" --set first_serial=\$((starts * 100000000 + 1))
END
    chmod +x "$service_folder/sim"
    mkdir -p "$service_folder/record"
    cat <<END
provider sim {
    command = "$service_folder/sim"
    restart_ms_min = 50
    restart_ms_max = 50
    lines = 16
    rate = $rate
    calls = $1
    answer = $2
    accept_ms = 50
    answer_ms = 200
    hold_ms = $hold_ms
    linger_ms = 50
    start_ms = 1000
}
END
}

make_folder() {
    service_folder=$(mktemp -d "${TMPDIR:-/tmp}/callfan.XXXXXX")
    : >"$service_folder/log"
}

# start_monitors OPTION...: one callfan check with its monitors; its number in ${check_pid}, theirs in ${monitor_pids[@]}.
start_monitors() {
    if [ -n "$ring_kib" ]; then
        set -- "$@" --ring "$ring_kib"
    fi
    run_aside check "$bin/callfan" check --monitors "$monitors" --json --ready "$service_folder/ready" "$@"
    check_pid=$aside_pid
    monitor_pids=()
    local i
    for ((i = 1; i <= monitors; i++)); do
        wait_for 30 "monitor $i" test -s "$service_folder/ready.$i"
        monitor_pids+=("$(cat "$service_folder/ready.$i")")
    done
}

traffic_has_ended() {
    local made
    made=$(status '.totals.calls_made + .totals.calls_refused') || return 1
    [ "$made" -ge "$1" ] && status_is .totals.calls_live 0
}

# wait_for_traffic CALLS SECONDS
wait_for_traffic() {
    pause "$2" # the traffic itself
    # Seldom: asking takes processor time while the last calls are measured.
    poll_seconds=1 wait_for $((60 + hold_ms / 50)) "the end of all calls" traffic_has_ended "$1" || result=1
}

print_cpu() {
    local i=0 pid
    printf 'CPU seconds: core %s, keeper %s, provider %s' "$(cpu_seconds "$(status .process.core_pid)")" \
        "$(cpu_seconds "$service_pid")" "$(cpu_seconds "$(status '.providers[0].pid')")"
    for pid in "${monitor_pids[@]}"; do
        i=$((i + 1))
        printf ', monitor %d %s' "$i" "$(cpu_seconds "$pid")"
    done
    if [ -n "${owner_pid:-}" ]; then
        printf ', owner %s' "$(cpu_seconds "$owner_pid")"
    fi
    echo
}

# Ends the monitors, prints what they found, and remembers whether it was good.
end_monitors() {
    kill -TERM "$check_pid" 2>/dev/null || true
    local code=0
    wait "$check_pid" || code=$?
    jq -r '"monitor \(.monitor): \(if .good then "nothing lost" else "FINDINGS" end): \(.calls) calls, \(.same) the same as sent, " +
        "\(.folded) folded, \(.early) early, \(.cut) cut, \(.open) open, \(.unseen) unseen; \(.messages) messages, " +
        "\(.messages_per_second | floor)/s, missed \(.missed) in \(.gaps) gaps; latency us p50 \(.latency_ns.p50 / 1000) " +
        "p99 \(.latency_ns.p99 / 1000) p99.9 \(.latency_ns.p999 / 1000) max \(.latency_ns.max / 1000)" +
        (if .good then "" else "\n  " + (.findings | tostring) end)' "$service_folder/check.out"
    if [ "$code" -ne 0 ]; then
        head -n 60 "$service_folder/check.err" >&2
        fail "the monitors ended with $code"
    fi
}

print_service() {
    status '"service: calls made \(.totals.calls_made), refused \(.totals.calls_refused), live \(.totals.calls_live), handles " +
        "\(.totals.handles_live); turns \(.totals.turns), records \(.totals.records), deliveries \(.totals.deliveries), bells " +
        "\(.totals.bells_rung); core restarts \(.process.core_restarts), undone \(.totals.recoveries_undone), published again " +
        "\(.totals.recoveries_republished), cold starts \(.process.cold_starts), stale events \(.totals.stale_events)"'
    status '.ports[] | select(.offered != .delivered + .pending + .missed + .cancelled) |
        "the law does not hold at port \(.port) (\(.name))"' >"$service_folder/law" || true
    # A port may be read between two turns of the service: looked at again before it is believed.
    if [ -s "$service_folder/law" ]; then
        cat "$service_folder/law"
        fail "offered != delivered + pending + missed + cancelled"
    fi
}

at_rest() {
    status_is .totals.calls_live 0 && status_is .totals.handles_live 0
}

finish() {
    wait_for 30 "counters back at zero" at_rest || result=1
    print_service
    service_stop || result=1
}

# ---- modes ---------------------------------------------------------------------------------------

run_sim() {
    local calls=$((rate * seconds))
    echo "== sim: $rate calls/s for $seconds s, $monitors monitors"
    make_folder
    service_start "$(globals; sim_section "$calls" auto)"
    lines_are_up 16
    start_monitors --sender "$service_folder/record"
    wait_for_traffic "$calls" "$seconds"
    print_cpu
    end_monitors
    finish
}

# Where the memory of the adapter and of the core is written down, once a second: "SECONDS ADAPTER CORE", in KiB.
memory_start() {
    : >"$service_folder/memory"
    memory_loop "$(status '.providers[0].pid')" "$(status .process.core_pid)" &
    memory_pid=$!
    service_children+=("$memory_pid")
}

memory_loop() {
    local from sip core
    from=$(now_ms)
    while sip=$(resident_kib "$1") && core=$(resident_kib "$2"); do
        echo "$((($(now_ms) - from) / 1000)) $sip $core" >>"$service_folder/memory"
        sleep 1
    done
}

resident_kib() {
    awk '/^VmRSS/ { print $2; found = 1 } END { exit !found }' "/proc/$1/status" 2>/dev/null
}

# memory_end SECONDS: prints how much it was, and compares its last half when the traffic lasted long enough for all timers (64 s) to run.
memory_end() {
    kill "$memory_pid" 2>/dev/null || true
    wait "$memory_pid" 2>/dev/null || true
    awk -v traffic="$1" '
        BEGIN { n = 0 }
        $1 <= traffic { sip[n] = $2; core[n++] = $3 }
        END {
            if (n == 0)
                exit
            half = int(n / 2); last = n - 1
            printf "memory in use (MiB): callfan-sip %.1f at the start, %.1f in the middle, %.1f at the end; core %.1f, %.1f, %.1f\n",
                sip[0] / 1024, sip[half] / 1024, sip[last] / 1024, core[0] / 1024, core[half] / 1024, core[last] / 1024
            # Pages that are touched for the first time by a peak a little higher than those before are no leak.
            if (traffic >= 200 && (sip[last] > sip[half] * 1.05 + 1024 || core[last] > core[half] * 1.05 + 1024))
                exit 1
        }' "$service_folder/memory" || fail "memory has grown in the last half"
}

# adapter_use: of the adapter so far, time it ran in ns, user and system time in clock ticks, switches of its own will and by force.
adapter_use() {
    local pid line
    pid=$(status '.providers[0].pid')
    line=$(cat "/proc/$pid/stat")
    # shellcheck disable=SC2086
    set -- ${line##*) }
    echo "$(cut -d ' ' -f 1 "/proc/$pid/schedstat") ${12} ${13} $(awk '/ctxt_switches/ { printf "%s ", $2 }' "/proc/$pid/status")"
}

# adapter_begin: what is counted from now on.
adapter_begin() {
    perf_pid=
    if [ "$system_calls" = yes ]; then
        perf stat -x , -e raw_syscalls:sys_enter -p "$(status '.providers[0].pid')" -o "$service_folder/perf" &
        perf_pid=$!
        service_children+=("$perf_pid")
    fi
    read -ra before <<<"$(adapter_use)"
}

# adapter_end CALLS: what the adapter used since adapter_begin. The whole time is exact; the kernel guesses how it divides.
adapter_end() {
    local calls=$1 now
    read -ra now <<<"$(adapter_use)"
    awk -v calls="$calls" -v ns=$((now[0] - before[0])) -v user=$((now[1] - before[1])) -v sys=$((now[2] - before[2])) \
        -v own=$((now[3] - before[3])) -v forced=$((now[4] - before[4])) 'BEGIN {
        us = ns / 1000 / calls; part = user + sys > 0 ? user / (user + sys) : 0
        printf "callfan-sip: %.1f us of processor time per call, user %.1f, system %.1f; switches per call %.2f, %.2f by force\n",
            us, us * part, us * (1 - part), own / calls, forced / calls
    }'
    if [ -n "$perf_pid" ]; then
        kill -INT "$perf_pid" 2>/dev/null || true
        wait "$perf_pid" 2>/dev/null || true
        awk -F , -v calls="$calls" '/sys_enter/ { printf "callfan-sip: %.2f system calls per call\n", $1 / calls; found = 1 }
            END { exit !found }' "$service_folder/perf" || fail "perf did not count the system calls"
    fi
}

run_sip() {
    local calls=$((rate * seconds)) code=0
    echo "== sip: $rate calls/s for $seconds s, an owner and $monitors monitors"
    make_folder
    service_start "$(globals; sip_section)"
    lines_are_up 1
    start_monitors --states 'OFFERING,(ACCEPTED),CONNECTED,DISCONNECTED,IDLE' --calls "$calls"
    run_aside owner "$bin/callfan" answer
    owner_pid=$aside_pid
    wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"
    memory_start
    adapter_begin
    (cd "$service_folder" && exec timeout -s KILL $((seconds * 2 + 60)) sipp -sn uac "127.0.0.1:$sip_port" -i 127.0.0.1 \
        -r "$rate" -m "$calls" -l $((rate * 4)) -nostdin -trace_err >sipp.out 2>&1) || code=$?
    sipp_ended "$code"
    wait_for 60 "the end of all calls" traffic_has_ended "$calls" || result=1
    print_cpu
    adapter_end "$calls"
    memory_end "$seconds"
    kill -TERM "$owner_pid" 2>/dev/null || true
    wait "$owner_pid" || fail "the owner ended with $?"
    cat "$service_folder/owner.err"
    owner_pid=
    end_monitors
    finish
}

run_sip_out() {
    local calls=$((rate * seconds)) code=0 line peer_port=$((sip_port + 1)) sipp_pid
    echo "== sip-out: $rate calls/s for $seconds s, and $monitors monitors"
    make_folder
    # A call of ours takes a client transaction for 32 s and one for 5 s (RFC 6026, timers M and K); there are two per call.
    service_start "$(globals; sip_section "peer = {\"127.0.0.1:$peer_port\"} calls_max = $((rate * 24 > 16384 ? rate * 24 : 16384))")"
    lines_are_up 1
    start_monitors --states 'UNKNOWN,DIALING,(PROCEEDING),RINGBACK,CONNECTED,DISCONNECTED,IDLE' --calls "$calls"
    line=$("$bin/callfan" lines --json | jq -r .line)
    (cd "$service_folder" && exec setsid setpriv --pdeathsig KILL timeout -s KILL $((seconds * 2 + 120)) sipp -sn uas -i 127.0.0.1 \
        -p "$peer_port" -m "$calls" -buff_size 8388608 -nostdin -trace_err >sipp.out 2>&1) &
    sipp_pid=$!
    service_children+=("$sipp_pid")
    wait_for 30 "sipp" grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$peer_port") " /proc/net/udp
    memory_start
    adapter_begin
    timeout -s KILL $((seconds * 2 + 60)) "$bin/callfan" dial --line "$line" --count "$calls" --rate "$rate" --talk 0 --quiet 5550200 \
        2>"$service_folder/dial.err" || code=$?
    cat "$service_folder/dial.err"
    if [ "$code" -ne 0 ]; then
        fail "callfan dial ended with $code"
    fi
    wait_for 60 "the end of all calls" traffic_has_ended "$calls" || result=1
    print_cpu
    adapter_end "$calls"
    memory_end "$seconds"
    code=0
    wait "$sipp_pid" || code=$?
    sipp_ended "$code"
    end_monitors
    finish
}

# sip_step: calls at the present rate. Prints what came of them; false when one failed, or the calls were not made that fast.
sip_step() {
    local calls=$((rate * seconds)) code=0 from took
    adapter_begin
    from=$(now_ms)
    (cd "$service_folder" && exec timeout -s KILL $((seconds * 2 + 60)) sipp -sn uac "127.0.0.1:$sip_port" -i 127.0.0.1 \
        -r "$rate" -m "$calls" -l $((rate * 4)) -nostdin >sipp.out 2>&1) || code=$?
    took=$(($(now_ms) - from))
    wait_for 60 "the end of all calls" status_is .totals.calls_live 0 || return 1
    echo "$rate calls/s wanted, $((calls * 1000 / took)) made; sipp ended with $code:" \
        "$(grep -E 'Failed call|Retransmissions' "$service_folder/sipp.out" | tail -n 2 | tr -s ' \n' ' ' || true)"
    adapter_end "$calls"
    [ "$code" -eq 0 ] && [ $((calls * 1100)) -ge $((rate * took)) ]
}

# Faster by a quarter each time; the same service for all.
run_sip_max() {
    local best=0
    echo "== sip-max: from $rate calls/s on, $seconds s each, and an owner"
    make_folder
    service_start "$(globals; sip_section "calls_max = 65536")"
    lines_are_up 1
    run_aside owner "$bin/callfan" answer
    owner_pid=$aside_pid
    wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"
    while [ "$rate" -le 100000 ] && sip_step; do
        best=$rate
        rate=$((rate * 5 / 4))
    done
    echo "sip-max: $best calls/s without a failed call"
    if [ "$best" -eq 0 ]; then
        fail "not even the first rate was reached"
    fi
    service_stop || result=1
}

# sipp_ended CODE: what sipp counted, and whether that was all.
sipp_ended() {
    echo "sipp ended with $1: $(grep -E 'Successful call|Failed call' "$service_folder/sipp.out" | tail -n 2 | tr -s ' \n' ' ' || true)"
    if [ "$1" -ne 0 ]; then
        fail "sipp ended with $1"
    fi
}

sip_port=$(free_port)
sip_section() { # [MORE KEYS]
    cat <<END
provider sip {
    command = "callfan-sip"
    listen = {"127.0.0.1:$sip_port"}
    gather_us = $gather_us
    ${1:-}
}
END
}

# The longest time in which the monitors got nothing after a mark: median and worst of all marks.
print_silences() {
    jq -rs --arg what "$1" '[.[] | .marks[].silence_ns / 1e6] | sort | if length == 0 then empty else
        "\($what): longest silence of a monitor after a kill: median \(.[length / 2 | floor]) ms, worst \(.[-1]) ms, \(length) seen"
        end' "$service_folder/check.out"
}

start_owner() {
    run_aside owner "$bin/callfan" answer --existing
    owner_pid=$aside_pid
}

start_victim() {
    run_aside victim "$bin/callfan" monitor --json
    victim_pid=$aside_pid
}

# How long until nothing of a dead application is left: its port, and with it handles and open lines. Measured by asking.
gone_after=()
no_port_of() {
    status_is "[.ports[] | select(.pid == $1)] | length" 0
}
time_gone() {
    local from
    from=$(now_ms)
    wait_for 10 "the end of process $1" no_port_of "$1" || result=1
    gone_after+=($(($(now_ms) - from)))
}

# kill_process PATH: the process whose number the status has there, once it runs.
kill_process() {
    local pid=0
    wait_for 20 "a process at $1" status_is "$1 > 1" true
    pid=$(status "$1")
    if [ "$pid" -gt 1 ]; then
        kill -KILL "$pid"
    fi
}

kill_one() {
    case $1 in
    core) kill_process .process.core_pid ;;
    provider) kill_process '.providers[0].pid' ;;
    owner)
        kill -KILL "$owner_pid"
        wait "$owner_pid" 2>/dev/null || true
        time_gone "$owner_pid"
        start_owner
        ;;
    monitor)
        kill -KILL "$victim_pid"
        wait "$victim_pid" 2>/dev/null || true
        time_gone "$victim_pid"
        start_victim
        ;;
    esac
}

# One run per kind of victim, since a dead provider's calls end otherwise than they would have.
run_kill() {
    local what kills calls answer end
    for what in ${KILL_WHAT:-core monitor owner provider}; do
        echo "== kill: $rate calls/s for $seconds s, kill -9 of the $what every $kill_every s"
        calls=$((rate * seconds)) kills=0 owner_pid="" gone_after=()
        answer=auto
        if [ "$what" = owner ]; then
            answer=owner
        fi
        make_folder
        service_start "$(globals; sim_section "$calls" "$answer")"
        lines_are_up 16
        start_monitors --sender "$service_folder/record"
        if [ "$what" = owner ]; then start_owner; fi
        if [ "$what" = monitor ]; then start_victim; fi
        end=$(($(now_ms) + seconds * 1000))
        while [ $(($(now_ms) + kill_every * 1000)) -lt "$end" ]; do
            pause "$kill_every"
            kill -USR1 "$check_pid"
            kill_one "$what"
            kills=$((kills + 1))
        done
        if [ "$what" = provider ]; then
            calls=0 # each start makes its own; those of the last may go on for the whole time
            pause "$kill_every"
        fi
        if [ "$what" = provider ]; then
            end_provider
        else
            wait_for_traffic "$calls" 1
        fi
        print_cpu
        if [ "$what" = monitor ]; then kill -KILL "$victim_pid"; fi
        if [ "$what" = owner ]; then kill -TERM "$owner_pid"; fi
        end_monitors
        echo "$what: killed $kills times"
        print_silences "$what"
        if [ ${#gone_after[@]} -gt 0 ]; then
            echo "$what: nothing of it was left after at most $(printf '%s\n' "${gone_after[@]}" | sort -n | tail -n 1) ms (asked every 20 to 40 ms)"
        fi
        finish
    done
}

# Ends the provider's traffic: its calls are driven to IDLE by its death, and it does not come back.
end_provider() {
    sed -i 's/^    rate = .*/    rate = 0/' "$service_folder/callfan.conf"
    kill_process '.providers[0].pid'
    wait_for 30 "the end of all calls" status_is .totals.calls_live 0 || result=1
}

run_stop() {
    local stopped=$1 calls=$((rate * (stop_seconds + 8)))
    echo "== stop: $rate calls/s for $((stop_seconds + 8)) s, $monitors monitors$([ "$stopped" = no ] ||
        echo ", the last one stopped for $stop_seconds s")"
    make_folder
    service_start "$(globals; sim_section "$calls" auto)"
    lines_are_up 16
    start_monitors --sender "$service_folder/record" --allow-gaps
    pause 3 # of which the traffic has one for its start
    if [ "$stopped" = yes ]; then
        kill -STOP "${monitor_pids[-1]}"
    fi
    pause "$stop_seconds"
    if [ "$stopped" = yes ]; then
        print_behind
        kill -CONT "${monitor_pids[-1]}"
    fi
    wait_for_traffic "$calls" 6
    print_cpu
    end_monitors
    p99=$(jq -s 'sort_by(.monitor) | .[:-1] | map(.latency_ns.p99) | max' "$service_folder/check.out")
    if [ "$stopped" = yes ]; then
        check_stopped
    fi
    finish
}

print_behind() {
    status '.ports[] | select(.behind != 0) | "port \(.port) (\(.name)): behind, ring \(.ring_used)/\(.ring_slots), missed \(.missed)"'
}

# One gap, its count exact (callfan check compares it with the counters), a resync, and every call right at the end.
check_stopped() {
    local line
    line=$(jq -c 'select(.gaps > 0)' "$service_folder/check.out")
    if [ "$(wc -l <<<"$line")" -ne 1 ] || [ -z "$line" ]; then
        fail "not exactly one monitor had a gap"
        return
    fi
    jq -r '"the stopped monitor: \(.gaps) gap(s), \(.gap_missed) missed in them, \(.folded_messages) folded during \(.resyncs) resync(s), " +
        "\(.unseen_told) calls unseen told, \(.unseen) unseen by the sender'"'"'s list"' <<<"$line"
    if [ "$(jq '.gaps' <<<"$line")" -ne 1 ] || [ "$(jq '.unseen == .unseen_told' <<<"$line")" != true ]; then
        fail "the stopped monitor was not told exactly"
    fi
}

# default_rate RATE [SECONDS]
default_rate() {
    rate=${given_rate:-$1}
    seconds=${given_seconds:-${2:-60}}
}

given_rate=$rate given_seconds=$seconds
for mode in "${modes[@]}"; do
    case $mode in
    sim) default_rate 10000; run_sim ;;
    sip) default_rate 500; run_sip ;;
    sip-out) default_rate 500; run_sip_out ;;
    sip-max) default_rate 1000 5; run_sip_max ;;
    kill) default_rate 2000; run_kill ;;
    stop)
        default_rate 10000
        if [ "$reference" = yes ]; then
            run_stop no
        fi
        without=${p99:-}
        run_stop yes
        [ -z "$without" ] || jq -n --argjson a "$p99" --argjson b "$without" \
            '"p99 of the other monitors: \($a / 1000) us with the stop, \($b / 1000) us without, ratio \($a / $b * 100 | round / 100)"' -r
        ;;
    esac
done
if [ "$result" -ne 0 ]; then
    echo "load.sh: something was lost or failed" >&2
fi
exit "$result"
