# Sourced by scripts/load.sh: the mode carrier.
# shellcheck shell=bash

# A large contact centre's day in minutes: long calls, of which ever more live, until as many end as begin; 12 messages of each to every application.
carrier_messages=12

run_carrier() {
    local live began
    sim_extra="messages = $carrier_messages
    calls_max = 16777216"
    echo "== carrier: $rate calls/s for $seconds s, held for $((hold_ms / 1000)) s in the mean, $carrier_messages messages each, $monitors monitors"
    make_folder
    service_start "$(globals; sim_section 0 auto)"
    lines_are_up 16
    start_monitors --sender "$service_folder/record" --allow-gaps # at the end alone
    began=$(now_ms)
    while [ $(($(now_ms) - began)) -lt $((seconds * 1000)) ]; do
        pause $((seconds < 60 ? seconds : 60))
        carrier_line $((($(now_ms) - began) / 1000)) || true
    done
    live=$(status .totals.calls_live)
    carrier_memory "$live"
    print_cpu
    wait_for 30 "monitors that have missed nothing" status_is '[.ports[].missed] | add' 0 || result=1
    # Those that live on end with their provider, all at once: DISCONNECTED and IDLE of each at every monitor, which the list calls cut. More
    # than a ring holds are told as a gap.
    end_provider $((60 + live / 10000))
    end_monitors
    finish
    sim_extra=""
}

# carrier_line SECONDS: while it runs.
carrier_line() {
    status '"'"$1"' s: calls made \(.totals.calls_made), refused \(.totals.calls_refused), live \(.totals.calls_live), deliveries " +
        "\(.totals.deliveries), missed \([.ports[].missed] | add), behind \([.ports[].behind] | add)"'
}

# carrier_memory CALLS: who has how much of it.
carrier_memory() {
    local core sim pid monitor=0
    core=$(resident_kib "$(status .process.core_pid)") sim=$(resident_kib "$(status '.providers[0].pid')")
    for pid in "${monitor_pids[@]}"; do
        monitor=$((monitor + $(resident_kib "$pid")))
    done
    awk -v core="$core" -v sim="$sim" -v monitor="$monitor" -v n="${#monitor_pids[@]}" -v calls="$1" 'BEGIN {
        printf "memory in use (MiB) with %d calls alive: core %.0f (%.0f bytes a call), simulator %.0f (%.0f), a monitor %.0f with what it " \
            "remembers of every call that was\n", calls, core / 1024, core * 1024 / calls, sim / 1024, sim * 1024 / calls, monitor / 1024 / n
    }'
}
