# Sourced by scripts/load.sh: the mode carrier.
# shellcheck shell=bash

# A large contact centre's day in minutes: long calls, of which ever more live, until as many end as begin; 12 messages of each to every application;
# once a minute for a second several times as many come; the core may be killed; then no more come, and those that live end in their time. Each call
# is compared at each application (callfan check --digests).
carrier_messages=12
carrier_hold_max=3 # the longest call, in times of the exponential's mean

# carrier_keys HOLD_MS EVERY_MS: holding times that are exponential, but for the longest, and have the wanted mean.
carrier_keys() {
    awk -v mean="$1" -v most="$carrier_hold_max" -v burst="$burst" -v every="$2" 'BEGIN {
        whole = mean / (1 - exp(-most))
        printf "    hold = exponential\n    hold_ms = %.3f\n    hold_max_ms = %d\n", whole, whole * most + 1
        printf "    burst = %d\n    burst_every_ms = %d\n    burst_ms = %d\n", burst, every, every < 2000 ? (every + 1) / 2 : 1000 }'
}

run_carrier() {
    local kills=0 every calls room began live
    if [ "$rate" -eq 0 ] || [ "$seconds" -eq 0 ] || [ "$hold_ms" -eq 0 ] || [ "$monitors" -eq 0 ]; then
        echo "load.sh: carrier needs a rate, seconds, a holding time and monitors" >&2
        exit 2
    fi
    every=$((seconds < 120 ? seconds * 500 : 60000))
    # Each burst makes up for those of the seconds that it is as long as.
    calls=$((rate * seconds + (burst - 1) * rate * (seconds * 1000 / every) * (every < 2000 ? (every + 1) / 2 : 1000) / 1000))
    room=$((calls < rate * (hold_ms + 1000) / 1000 * (every + burst * 1000) / every * 5 / 4 ? calls
        : rate * (hold_ms + 1000) / 1000 * (every + burst * 1000) / every * 5 / 4))
    local ring_kib=${ring_kib:-$(national_ring "$(national_limit)")}
    echo "== carrier: $rate calls/s for $seconds s, held for $((hold_ms / 1000)) s in the mean, $carrier_messages messages each, $monitors monitors with" \
        "rings of $ring_kib KiB$([ "$burst" -eq 1 ] || echo "; $burst times as many for a second every $((every / 1000)) s")$(
        [ "$kill_core" -eq 0 ] || echo "; kill -9 of the core $kill_core time(s), at equal distances"); $calls calls in all"
    make_folder
    service_start "$(globals)
hang_seconds = 60 # a core that gets no processor is none that hangs
applications = $((monitors + 4))
$(digest_section "$calls" "$(carrier_keys "$hold_ms" "$every")" $((room + 65536)) "$carrier_messages" "$rate")"
    lines_are_up 16
    start_monitors --digests "$service_folder/digests"
    owners_find
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
    owners_find # another core, perhaps
    owners_look
    owners_print "$live" "$(status .totals.handles_live)"
    carrier_drain "$calls"
    wait_for 30 "monitors that have missed nothing" status_is '[.ports[].missed] | add' 0 || result=1
    print_cpu
    national_laws
    end_monitors
    if [ "$kill_core" -gt 0 ]; then carrier_kills; fi
    finish
}

# carrier_until MS: lets it run, with a line a minute and at the end.
carrier_until() {
    local left
    while left=$(($1 - $(now_ms))) && [ "$left" -gt 0 ]; do
        pause "$(awk -v ms=$((left < 60000 ? left : 60000)) 'BEGIN { printf "%.3f", ms / 1000 }')"
        carrier_line || true
    done
}

# carrier_drain CALLS: until the last has ended.
carrier_drain() {
    local end=$(($(now_ms) + hold_ms * carrier_hold_max * 11 / 10 + 120000)) told
    told=$(now_ms)
    until traffic_has_ended "$1"; do
        pause 1
        if [ $(($(now_ms) - told)) -ge 60000 ]; then
            carrier_line || true
            told=$(now_ms)
        fi
        if [ "$(now_ms)" -gt "$end" ]; then
            fail "the calls do not end"
            return
        fi
    done
    carrier_line || true
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

# While it runs.
carrier_line() {
    status '"'"$((($(now_ms) - began) / 1000))"' s: calls made \(.totals.calls_made), refused \(.totals.calls_refused), live \(.totals.calls_live), " +
        "deliveries \(.totals.deliveries), missed \([.ports[].missed] | add), behind \([.ports[].behind] | add)"'
}
