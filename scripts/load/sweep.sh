# Sourced by scripts/load.sh: the mode sweep.
# shellcheck shell=bash

# Many calls are alive, and an application that has a handle of each closes its lines and ends, --closes times: what the others notice of the sweep.
sweep_messages=6
sweep_pid=
sweep_ms=() sweep_handles=()

run_sweep() {
    local ramp=$((live_calls * 1000 / rate)) room=$((live_calls + 65536 + 8 * beside)) beside_calls i
    if [ -z "$given_hold_ms" ]; then
        hold_ms=$((ramp * 5 / 4 + 10000 + closes * (1000 * seconds + 5000 + live_calls / 50)))
    fi
    beside_calls=$((beside * (ramp + hold_ms) / 1000)) sweep_ms=() sweep_handles=()
    echo "== sweep: $live_calls live calls, which come at $rate calls/s and last $((hold_ms / 1000)) s, beside $beside calls/s to $monitors monitors;" \
        "another application takes handles of all, closes its lines and ends, $closes time(s)"
    make_folder
    service_start "$(globals)
handles = $((room > 2097152 ? room : 2097152))
$(held_sections "$sweep_messages")"
    lines_are_up 32
    start_monitors --sender "$service_folder/record"
    poll_seconds=0.5 wait_for $((60 + ramp / 250)) "$live_calls live calls" held_are_there || result=1
    pause 2 # until the last are answered
    for ((i = 0; i < closes; i++)); do
        sweep_once
    done
    [ "$(status .totals.calls_live)" -ge "$live_calls" ] ||
        echo "calls have ended before the last close: to measure well this machine needs a larger --hold-ms than $hold_ms"
    poll_seconds=0.5 wait_for $((60 + (ramp + hold_ms) / 250)) "the end of all calls" traffic_has_ended $((live_calls + beside_calls)) || result=1
    print_cpu
    end_monitors
    sweep_print
    finish
}

sweep_has_all() { status_is "$(port_of "$sweep_pid") | .handles >= $live_calls and .behind == 0 and .pending == 0" true; }
sweep_is_over() { no_port_of "$sweep_pid"; }

# Asked as often before as while it is swept: asking takes processor time, too.
sweep_once() {
    local from end
    setsid setpriv --pdeathsig KILL "${measured[@]}" "$bin/callfan" monitor --existing --json >/dev/null 2>"$service_folder/sweep.err" </dev/null &
    sweep_pid=$!
    service_children+=("$sweep_pid")
    poll_seconds=0.5 wait_for $((60 + live_calls / 10000)) "handles of all calls" sweep_has_all || result=1
    pause 1
    sweep_handles+=("$(status "$(port_of "$sweep_pid") | .handles")")
    phase before
    end=$(($(now_ms) + 1000 * seconds))
    until sweep_is_over || [ "$(now_ms)" -ge "$end" ]; do pause 0.25; done
    from=$(now_ms)
    phase sweep
    kill -TERM "$sweep_pid" 2>/dev/null || true # one that has ended is told of below
    poll_seconds=0.25 wait_for 60 "the end of the sweep" sweep_is_over || result=1
    sweep_ms+=($(($(now_ms) - from)))
    phase after
    wait "$sweep_pid" || fail "callfan monitor ended with $?: $(tail -n 1 "$service_folder/sweep.err")"
    forget_aside "$sweep_pid"
}

# The slowest of the monitors before each close and while it was swept, and the ratio in the middle.
sweep_print() {
    local at
    for ((at = 0; at < closes; at++)); do
        jq -rs --argjson at "$at" --argjson handles "${sweep_handles[at]}" --argjson ms "${sweep_ms[at]}" '
            def p99(name): map(.phases | map(select(.name == name))[$at].p99 // 0) | max / 1000 | round;
            def fewest(name): map(.phases | map(select(.name == name))[$at].states // 0) | min;
            "close \($at + 1): \($handles) handles, their port gone when asked after \($ms) ms; p99 of the slowest monitor: \(p99("before")) us before, " +
            "\(p99("sweep")) us until then; of at least \(fewest("before")) and \(fewest("sweep")) states"' "$service_folder/check.out"
    done
    jq -rs --argjson closes "$closes" '. as $m | [range(0; $closes) as $at | [$m[].phases | map(select(.name == "sweep"))[$at].p99] as $meanwhile |
        [$m[].phases | map(select(.name == "before"))[$at].p99] as $before | ($meanwhile | max) / ([($before | max), 1] | max)] | sort |
        "sweep: p99 meanwhile against before: \(map(. * 100 | round / 100 | tostring) | join(", ")); in the middle \(.[length / 2 | floor] * 100 | round / 100)"
        ' "$service_folder/check.out"
}
