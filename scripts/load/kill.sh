# Sourced by scripts/load.sh: the mode kill.
# shellcheck shell=bash

# kills_are_over KILLS END_MS
kills_are_over() {
    if [ -n "$kills_wanted" ]; then
        [ "$1" -ge "$kills_wanted" ]
    else
        [ $(($(now_ms) + kill_every * 1000)) -ge "$2" ]
    fi
}

# traffic_is_made CALLS: a kill from now on would be one beside no traffic.
traffic_is_made() {
    local made
    made=$(status '.totals.calls_made + .totals.calls_refused') && [ "$made" -ge "$1" ]
}

# One run per kind of victim, since a dead provider's calls end otherwise than they would have.
run_kill() {
    local what kills calls answer end run_seconds=$seconds
    if [ -n "$kills_wanted" ]; then
        run_seconds=$(((kills_wanted + 1) * kill_every))
    fi
    for what in ${KILL_WHAT:-core monitor owner provider}; do
        echo "== kill: $rate calls/s for $run_seconds s, $monitors monitors, kill -9 of the $what every $kill_every s"
        calls=$((rate * run_seconds)) kills=0 owner_pid="" gone_after=()
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
        until kills_are_over "$kills" "$end"; do
            pause "$kill_every"
            check_law || true # in the next round
            if [ "$kills" -gt 0 ] && [ -z "$kills_wanted" ] && traffic_is_made "$calls"; then break; fi
            kill_one "$what"
            kills=$((kills + 1))
        done
        if [ "$what" = provider ]; then
            pause "$kill_every"
            end_provider # each start makes its own calls; those of the last may go on for the whole time
        else
            wait_for_traffic "$calls" 1
        fi
        print_cpu
        if [ "$what" = monitor ]; then kill -KILL "$victim_pid"; fi
        if [ "$what" = owner ]; then kill -TERM "$owner_pid"; fi
        end_monitors
        echo "$what: killed $kills times"
        print_silences "$what"
        check_first "$what"
        if [ "$what" = core ]; then check_restarts; fi
        if [ ${#gone_after[@]} -gt 0 ]; then
            echo "$what: nothing of it was left after at most $(printf '%s\n' "${gone_after[@]}" | sort -n | tail -n 1) ms (asked every 20 to 40 ms)"
        fi
        finish
    done
}
