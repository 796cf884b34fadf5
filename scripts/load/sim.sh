# Sourced by scripts/load.sh: the mode sim.
# shellcheck shell=bash

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
