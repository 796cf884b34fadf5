# Sourced by scripts/load.sh: the mode stop.
# shellcheck shell=bash

p99= # of the monitors that were not stopped, in ns

# run_stop yes|no: with the last monitor stopped --stops times, or the same without.
run_stop() {
    local stopped=$1 run_seconds=$((stops * (stop_seconds + 8))) i calls allow=()
    calls=$((rate * run_seconds))
    echo "== stop: $rate calls/s for $run_seconds s, $monitors monitors$([ "$stopped" = no ] ||
        echo ", the last one stopped for $stop_seconds s, $stops time(s), gaps expected of each: $expect_gaps")"
    if [ "$stopped" = yes ] && [ "$expect_gaps" -ne 0 ]; then
        allow=(--allow-gaps)
    fi
    make_folder
    service_start "$(globals; idle_handles; sim_section "$calls" auto)"
    lines_are_up 16
    start_monitors --sender "$service_folder/record" "${allow[@]}"
    for ((i = 0; i < stops; i++)); do
        pause 3 # of which the traffic has one for its start
        stop_once "$stopped"
        pause 3
    done
    wait_for_traffic "$calls" 3
    print_cpu
    end_monitors
    p99=$(jq -s 'sort_by(.monitor) | .[:-1] | map(.latency_ns.p99) | max' "$service_folder/check.out")
    if [ "$stopped" = yes ]; then
        check_stopped
    fi
    finish
}

# Handles of ended calls that a stopped monitor may hold without missing new calls: more than the service allows, for long stops.
idle_handles() {
    local needed=$((rate * (stop_seconds + 4)))
    if [ "$expect_gaps" -eq 0 ] && [ "$needed" -gt 65536 ]; then
        echo "idle_handles_max = $needed"
    fi
}

# stop_once yes|no
stop_once() {
    if [ "$1" = yes ]; then
        kill -STOP "${monitor_pids[-1]}"
    fi
    pause "$stop_seconds"
    if [ "$1" = yes ]; then
        print_behind
        kill -CONT "${monitor_pids[-1]}"
        poll_seconds=0.2 wait_for 120 "the stopped monitor's being in step again" in_step || result=1
    fi
}

# port_of PID: jq's path to its port.
port_of() {
    echo ".ports[] | select(.pid == $1)"
}

in_step() {
    status_is "$(port_of "${monitor_pids[-1]}") | .behind == 0 and .ring_used < .ring_slots / 4" true
}

print_behind() {
    status "$(port_of "${monitor_pids[-1]}")"' | "port \(.port) (\(.name)): \(if .behind == 0 then "in step" else "behind" end), ring " +
        "\(.ring_used)/\(.ring_slots), missed \(.missed)"'
}

# Gaps as expected, and only at the stopped one; the counts exact (callfan check compares them with the counters), a resync, and every call
# right at the end.
check_stopped() {
    local line gaps=$((stops * expect_gaps))
    line=$(jq -c "select(.monitor == $monitors)" "$service_folder/check.out")
    jq -r '"the stopped monitor: \(.gaps) gap(s), \(.gap_missed) missed in them, \(.folded_messages) folded during \(.resyncs) resync(s), " +
        "\(.unseen_told) calls unseen told, \(.unseen) unseen by the sender'"'"'s list"' <<<"$line"
    if [ "$(jq -s "map(select(.monitor != $monitors and (.gaps > 0 or .missed > 0))) | length" "$service_folder/check.out")" -ne 0 ]; then
        fail "a monitor that was not stopped missed messages"
    fi
    if ! jq -e ".gaps == $gaps and .resyncs == $gaps" <<<"$line" >/dev/null; then
        fail "the stopped monitor had $(jq .gaps <<<"$line") gaps and $(jq .resyncs <<<"$line") resyncs instead of $gaps"
    fi
    if ! jq -e '.unseen == .unseen_told' <<<"$line" >/dev/null; then
        fail "the stopped monitor was not told exactly"
    fi
    if [ "$gaps" -eq 0 ] && ! jq -e '.missed == 0 and .unseen == 0 and .folded == 0' <<<"$line" >/dev/null; then
        fail "the stopped monitor missed messages"
    fi
}

# The run, after the same without the stop.
run_stops() {
    local without=
    if [ "$reference" = yes ]; then
        run_stop no
        without=$p99
    fi
    run_stop yes
    if [ -n "$without" ]; then
        jq -rn --argjson a "$p99" --argjson b "$without" \
            '"p99 of the other monitors: \($a / 1000) us with the stop, \($b / 1000) us without, ratio \($a / $b * 100 | round / 100)"'
    fi
}
