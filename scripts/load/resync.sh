# Sourced by scripts/load.sh: the mode resync.
# shellcheck shell=bash

# Many calls are alive while one monitor is brought back into step: once when it has heard of hardly any of them, since it stood still while they
# came, and once when it knows them all and each has changed since. A second simulator's short calls go on beside: what the other monitors notice.
#
# Each call of the first goes on hold after a third of its time and back after two: waves as long as that in which the calls came, with rest between.
resync_messages=8
resync_start_ms=1250  # from the opening of a line to the first call, and to its answer
resync_number=0
resync_core_us=() resync_usual_us=() resync_own_us=() # processor time: of the core, what it takes of it anyway, of the application

run_resync() {
    local ramp=$((live_calls * 1000 / rate)) room=$((live_calls + 65536 + 8 * beside)) third opened came beside_calls stops=2 expect_gaps=1
    if [ -z "$given_hold_ms" ]; then
        hold_ms=$((3 * (ramp * 5 / 4 + 2000 * seconds + 8000 + live_calls / 50)))
    fi
    # Until the others end: killed simulators would close the lines, and what had not been heard of at a gap could be no fault any more.
    third=$((hold_ms / 3)) beside_calls=$((beside * (ramp + hold_ms) / 1000)) resync_number=0
    echo "== resync: $live_calls live calls, which come at $rate calls/s and last $((hold_ms / 1000)) s, beside $beside calls/s;" \
        "the last of $monitors monitors is stopped twice"
    make_folder
    service_start "$(globals)
handles = $((room > 2097152 ? room : 2097152))
$(held_sections "$resync_messages")"
    lines_are_up 32
    opened=$(now_ms)
    start_monitors --sender "$service_folder/record" --allow-gaps --resync-phases
    kill -STOP "${monitor_pids[-1]}"
    poll_seconds=0.5 wait_for $((60 + ramp / 250)) "$live_calls live calls" held_are_there || result=1
    came=$(now_ms)
    pause 2 # until the last are there and answered
    resync_once "$live_calls calls that it had not heard of, but for what its ring held"
    kill -STOP "${monitor_pids[-1]}"
    resync_in_time $((opened + resync_start_ms + third))
    resync_until $((came + resync_start_ms + third + 2000))
    resync_once "$live_calls calls that it knows, and that have changed"
    resync_in_time $((opened + resync_start_ms + 2 * third))
    resync_until $((came + resync_start_ms + hold_ms + 2000))
    poll_seconds=0.5 wait_for $((60 + ramp / 250)) "the end of all calls" traffic_has_ended $((live_calls + beside_calls)) || result=1
    print_cpu
    end_monitors
    check_stopped
    resync_print
    finish
}

resync_until() {
    local left=$(($1 - $(now_ms)))
    [ "$left" -le 0 ] || pause "$(awk -v ms="$left" 'BEGIN { printf "%.3f", ms / 1000 }')"
}

# resync_in_time MS: it is not later than that, or the next wave has begun: what is proved stays proved, but other things were measured.
resync_in_time() {
    [ "$(now_ms)" -lt "$1" ] || echo "the calls changed meanwhile, too: to measure well this machine needs a larger --hold-ms than $hold_ms"
}

resync_is_behind() { status_is "$(port_of "${monitor_pids[-1]}") | .behind" 1; }
resync_has_ended() { [ "$(grep -c " resynced\.$monitors\$" "$service_folder/marks")" -ge "$1" ]; }
resync_handles() { status "$(port_of "${monitor_pids[-1]}") | .handles"; }

# resync_once OF_WHAT: waits until the monitor is behind, watches for --seconds, lets it go on, and watches for as long again once it is in step.
resync_once() {
    local core application=${monitor_pids[-1]} at=$resync_number before began_us ended_us watched_us handles
    wait_for 60 "the stopped monitor's being behind" resync_is_behind || result=1
    print_behind
    core=$(status .process.core_pid) handles=$(resync_handles)
    phase before
    before=$(cpu_us "$core") began_us=${EPOCHREALTIME/./}
    pause "$seconds"
    watched_us=$((${EPOCHREALTIME/./} - began_us))
    resync_usual_us[at]=$(($(cpu_us "$core") - before))
    resync_own_us[at]=$(cpu_us "$application")
    phase resync
    before=$(cpu_us "$core") began_us=${EPOCHREALTIME/./}
    kill -CONT "$application"
    poll_seconds=0.05 wait_for $((60 + live_calls / 10000)) "the end of the resync" resync_has_ended $((at + 1)) || result=1
    ended_us=$((${EPOCHREALTIME/./} - began_us))
    resync_core_us[at]=$(($(cpu_us "$core") - before))
    resync_own_us[at]=$(($(cpu_us "$application") - resync_own_us[at]))
    resync_usual_us[at]=$((resync_usual_us[at] * ended_us / watched_us))
    resync_number=$((at + 1))
    pause "$seconds"
    phase over
    poll_seconds=0.2 wait_for 120 "the stopped monitor's being in step again" in_step || result=1
    echo "resync $resync_number: of $1: it had $handles handles before, $(resync_handles) now"
}

# By the stopped monitor's phases, and the slowest of the others in each.
resync_print() {
    local at
    for ((at = 0; at < resync_number; at++)); do
        jq -rs --argjson at "$at" --argjson last "$monitors" --argjson core "${resync_core_us[at]}" --argjson usual "${resync_usual_us[at]}" \
            --argjson own "${resync_own_us[at]}" '
            def ms: . * 10 | round / 10 | tostring + " ms";
            "resynced.\($last)" as $resynced |
            def p99(name): map(.phases | map(select(.name == name))[$at].p99 // 0) | max / 1000 | round;
            def fewest(name): map(.phases | map(select(.name == name))[$at].states // 0) | min;
            (map(select(.monitor == $last))[0].phases) as $own_phases | map(select(.monitor != $last)) |
            ([$own_phases[] | select(.name == $resynced)][$at].at_ns) as $ended |
            "resync \($at + 1): RESYNC_END \(if $ended == null then "never" else
                ($ended - [$own_phases[] | select(.name == "resync")][$at].at_ns) / 1e6 | ms end) after the monitor went on; processor time until then: " +
            "core \($core / 1000 | ms), of which \($usual / 1000 | ms) would have been taken without it, the application \($own / 1000 | ms)",
            if length == 0 then empty else "resync \($at + 1): p99 of the slowest of the others: \(p99("before")) us before, \(p99("resync")) us meanwhile " +
            "(ratio \(p99("resync") / ([p99("before"), 1] | max) * 100 | round / 100)), \(p99($resynced)) us afterwards; of at least \(fewest("before")), " +
            "\(fewest("resync")), \(fewest($resynced)) states" end' "$service_folder/check.out"
    done
    jq -r --argjson last "$monitors" 'select(.monitor == $last) | "resyncs: \(.resync_states) states told in both"' "$service_folder/check.out"
}
