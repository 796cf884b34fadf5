# Sourced by scripts/load.sh: the mode storm.
# shellcheck shell=bash

run_storm() {
    local wanted=${kills_wanted:-1000} kills=0 kind core core_kib keeper_kib kinds=(provider owner monitor)
    local -A killed=([provider]=0 [owner]=0 [monitor]=0)
    RANDOM=$seed
    echo "== storm: $rate calls/s, $monitors checking monitors; kill -9 of $crowd_providers providers, $crowd_of_each owners and" \
        "$crowd_of_each monitors, $wanted times, seed $seed"
    crowd_start
    core=$(status .process.core_pid)
    core_kib=$(private_kib "$core") keeper_kib=$(private_kib "$service_pid")
    while [ "$kills" -lt "$wanted" ]; do
        random 50 500
        pause "0.$(printf '%03d' "$random_number")"
        random 0 2
        kind=${kinds[random_number]}
        random 1 3
        crowd_kill "$kind" "$random_number" || continue # it was dead already
        kills=$((kills + 1)) killed[$kind]=$((killed[$kind] + 1))
        if [ $((kills % 100)) -eq 0 ]; then
            check_law || true # in the next round
            status "\"$kills kills; calls made \\(.totals.calls_made), live \\(.totals.calls_live), handles \\(.totals.handles_live)\""
        fi
    done
    echo "killed: ${killed[provider]} providers, ${killed[owner]} owners, ${killed[monitor]} monitors"
    crowd_end
    print_cpu
    end_monitors
    jq -rs '"calls ended by their provider'"'"'s death, IDLE once at every monitor: \(map(.cut) | min) to \(map(.cut) | max)"' \
        "$service_folder/check.out"
    if [ "${killed[provider]}" -gt 0 ] && [ "$(jq -s 'map(.cut) | min' "$service_folder/check.out")" -eq 0 ]; then
        fail "no call was ended by its provider's death: nothing was proved of it"
    fi
    storm_memory "$core" "$core_kib" "$keeper_kib"
    crowd_is_sound || fail "the service did not tell its status"
    if ! status_is .process.core_restarts 0; then
        fail "the core died $(status .process.core_restarts) times, and nobody killed it"
    fi
    finish_crowd
}

# storm_memory CORE CORE_KIB KEEPER_KIB: what they have of their own has not grown but by what an allocator keeps.
storm_memory() {
    local core keeper
    core=$(private_kib "$1") keeper=$(private_kib "$service_pid")
    echo "memory of their own (KiB): core $2 before, $core after; keeper $3 before, $keeper after"
    if [ "$core" -gt $(($2 + ${slack_kib:-2048})) ] || [ "$keeper" -gt $(($3 + ${slack_kib:-2048})) ]; then
        fail "the memory of core or keeper has grown by more than ${slack_kib:-2048} KiB"
    fi
}

# Ends owners and monitors too; then nothing at all is left.
finish_crowd() {
    local who
    for who in "${!crowd_pids[@]}"; do
        crowd_leave "${who% *}" "${who#* }"
    done
    wait_for 30 "the end of all applications" no_applications || result=1
    finish
}
