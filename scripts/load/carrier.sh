# Sourced by scripts/load.sh: the mode carrier.
# shellcheck shell=bash

# A large contact centre's day in minutes: long calls, of which ever more live, until as many end as begin; 12 messages of each to every application.
carrier_messages=12

run_carrier() {
    local live began kills=0
    sim_extra="messages = $carrier_messages
    calls_max = 16777216"
    echo "== carrier: $rate calls/s for $seconds s, held for $((hold_ms / 1000)) s in the mean, $carrier_messages messages each, $monitors monitors$(
        [ "$kill_core" -eq 0 ] || echo "; kill -9 of the core $kill_core time(s), at equal distances")"
    make_folder
    service_start "$(globals; sim_section 0 auto)"
    lines_are_up 16
    start_monitors --sender "$service_folder/record" --allow-gaps # at the end alone
    began=$(now_ms)
    phase undisturbed
    for ((; kills < kill_core; kills++)); do
        carrier_until $((began + seconds * 1000 * (kills + 1) / (kill_core + 1)))
        kill_process .process.core_pid carrier_kill_core
        pause 1
        phase later
    done
    carrier_until $((began + seconds * 1000))
    live=$(status .totals.calls_live)
    owners_find
    owners_look
    owners_print "$live" "$(status .totals.handles_live)" # the applications with what they remember of every call that was
    print_cpu
    wait_for 30 "monitors that have missed nothing" status_is '[.ports[].missed] | add' 0 || result=1
    phase end
    # Those that live on end with their provider, all at once: DISCONNECTED and IDLE of each at every monitor, which the list calls cut. More
    # than a ring holds are told as a gap.
    end_provider $((60 + live / 10000))
    end_monitors
    if [ "$kill_core" -gt 0 ]; then carrier_kills; fi
    finish
    sim_extra=""
}

# carrier_until MS: lets it run, with a line a minute and at the end.
carrier_until() {
    local left
    while left=$(($1 - $(now_ms))) && [ "$left" -gt 0 ]; do
        pause "$(awk -v ms=$((left < 60000 ? left : 60000)) 'BEGIN { printf "%.3f", ms / 1000 }')"
        carrier_line $((($(now_ms) - began) / 1000)) || true
    done
}

carrier_kill_core() {
    phase killed
    kill_marked "$1"
}

# What was felt of each death of the core, and of all of them.
carrier_kills() {
    jq -rs '"core: worst p99 until the first kill \([.[].phases[] | select(.name == "undisturbed").p99] | max / 1e5 | round / 10) ms"' \
        "$service_folder/check.out"
    jq -rs 'sort_by(.monitor) | . as $m | range(0; [.[].marks | length] | min) | . as $k | [$m[].marks[$k]] | "core: kill \($k + 1): " +
        "longest silence of each monitor \(map(.silence_ns / 1e5 | round / 10 | tostring) | join(", ")) ms; first new event at the last of them " +
        "\(if any(.first_ns == 0) then "none" else "after \(map(.first_ns) | max / 1e5 | round / 10) ms" end); worst p99 " +
        "\([$m[].phases | map(select(.name == "killed"))[$k].p99] | max / 1e5 | round / 10) ms in the second after it, " +
        "\([$m[].phases | map(select(.name == "later"))[$k].p99] | max / 1e5 | round / 10) ms then"' "$service_folder/check.out"
    print_silences core
    check_first core
    check_restarts
}

# carrier_line SECONDS: while it runs.
carrier_line() {
    status '"'"$1"' s: calls made \(.totals.calls_made), refused \(.totals.calls_refused), live \(.totals.calls_live), deliveries " +
        "\(.totals.deliveries), missed \([.ports[].missed] | add), behind \([.ports[].behind] | add)"'
}
