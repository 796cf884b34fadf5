# Sourced by scripts/load.sh: what the modes share: the service with its simulated calls, the checking monitors, the wait for the end, the counters.
# shellcheck shell=bash

globals() {
    if [ -n "$wake_us" ]; then
        echo "wake_interval_us = $wake_us"
    fi
}

sim_extra="" # more keys of each simulator

# sim_section CALLS ANSWER [NUMBER LINES RATE]: a provider, through a script that gives each start its own record and serial numbers.
sim_section() {
    local number=${3:-0} name="sim${3:-}"
    cat >"$service_folder/$name" <<END
#!/bin/sh
starts=1
set -C # a number is taken whole or not at all, whenever this is killed
until true 2>/dev/null >"$service_folder/$name.start.\$starts"; do
    starts=\$((starts + 1))
done
if [ \$starts -gt 1 ]; then
    set -- "\$@" --set start_ms=0
fi
exec "$bin/callfan-sim" "\$@" --set record="$service_folder/record/$name.\$starts" \\
    --set first_serial=\$((${number}0000000000000 + starts * 100000000 + 1))
END
    chmod +x "$service_folder/$name"
    mkdir -p "$service_folder/record"
    cat <<END
provider $name {
    command = "$service_folder/$name"
    restart_ms_min = 50
    restart_ms_max = 50
    lines = ${4:-16}
    rate = ${5:-$rate}
    calls = $1
    answer = $2
    accept_ms = 50
    answer_ms = 200
    hold_ms = $hold_ms
    linger_ms = 50
    start_ms = 1000
    $sim_extra
}
END
}

# digest_section CALLS KEYS ROOM MESSAGES RATE: the simulator with calls that last as the keys say, at most ROOM of them at once, and the digests of all
# of them; and as many handles as that takes.
digest_section() {
    cat <<END
handles = $(($3 > 2097152 ? $3 : 2097152))
provider sim {
    command = "$bin/callfan-sim"
    restart_ms_min = 50
    restart_ms_max = 50
    lines = 16
    rate = $5
    calls = $1
    calls_max = $3
    answer = auto
    accept_ms = 50
    answer_ms = 200
$2
    linger_ms = 50
    start_ms = 1000
    messages = $4
    digests = "$service_folder/digests"
}
END
}

# held_sections MESSAGES: live_calls calls that come at the rate and all last hold_ms, and a second simulator's short ones beside, beside_calls in all.
held_sections() {
    local hold_ms=$hold_ms sim_extra="hold = fixed
    messages = $1
    calls_max = $((live_calls + 65536))"
    sim_section "$live_calls" auto 1 16 "$rate"
    hold_ms=1000 sim_extra=""
    sim_section "$beside_calls" auto 2 16 "$beside"
}

# Those of the second simulator are there, too, and few.
held_are_there() { status_is ".totals.calls_live >= $live_calls" true; }

make_folder() {
    service_folder=$(mktemp -d "${TMPDIR:-/tmp}/callfan.XXXXXX")
    : >"$service_folder/log"
    : >"$service_folder/marks"
}

# The monitors end, and what they have to say is not asked for.
drop_monitors() {
    kill -TERM "$check_pid"
    wait "$check_pid" || fail "the monitors ended with $?"
    forget_aside "$check_pid"
    wait_for 60 "the end of the applications' ports" no_applications || result=1
}

no_applications() { status_is '[.ports[] | select(.kind == "application")] | length' 0; }

# start_monitors OPTION...: one callfan check with its monitors; its number in ${check_pid}, theirs in ${monitor_pids[@]}.
start_monitors() {
    if [ -n "$ring_kib" ]; then
        set -- "$@" --ring "$ring_kib"
    fi
    run_aside check "$bin/callfan" check --monitors "$monitors" --json --ready "$service_folder/ready" --marks "$service_folder/marks" "$@"
    check_pid=$aside_pid
    monitor_pids=()
    rm -f "$service_folder"/ready.*
    local i
    for ((i = 1; i <= monitors; i++)); do
        wait_for 30 "monitor $i" test -s "$service_folder/ready.$i" || return 1
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
    check_law || fail "the service did not tell its status"
}

# The status is taken between two turns, so that the law holds in each. False: no status.
check_law() {
    local broken
    broken=$(status '.ports[] | select(.offered != .delivered + .pending + .missed + .cancelled) |
        "the law does not hold at port \(.port) (\(.name)): \(.offered) offered, \(.delivered) delivered, \(.pending) pending, " +
        "\(.missed) missed, \(.cancelled) cancelled"') || return 1
    if [ -n "$broken" ]; then
        fail "$broken"
    fi
    # The invariants of the engine's state, looked at between its turns.
    broken=$("$bin/callfan" doctor --json 2>/dev/null || true)
    [ -n "$broken" ] || return 1
    broken=$(jq -r '.findings[] | select(.kind == "state" or .kind == "law") | .text' <<<"$broken") || return 1
    if [ -n "$broken" ]; then
        fail "callfan doctor: $broken"
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
