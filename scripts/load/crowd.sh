# Sourced by scripts/load.sh: several providers, owners and monitors that are killed at random, and the proof that nothing is left of the dead.
# shellcheck shell=bash

crowd_providers=3
crowd_of_each=3
declare -A crowd_pids=() # of owners and monitors, by "kind number"

# crowd_start CHECK_OPTION...: the service, all without traffic; then what it uses is written down, and the traffic begins.
crowd_start() {
    local i kind
    make_folder
    # The last provider's calls ring until an owner answers them.
    service_start "$(globals; for ((i = 1; i <= crowd_providers; i++)); do
        sim_section 0 "$([ "$i" -lt "$crowd_providers" ] && echo auto || echo owner)" "$i" 8 0
    done)"
    lines_are_up $((8 * crowd_providers))
    start_monitors --sender "$service_folder/record" "$@"
    for kind in owner monitor; do
        for ((i = 1; i <= crowd_of_each; i++)); do
            crowd_join "$kind" "$i"
        done
    done
    crowd_settled $((8 * crowd_providers * (monitors + 2 * crowd_of_each)))
    crowd_usage >"$service_folder/usage.before"
    sed -i "s/^    rate = .*/    rate = $(awk -v r="$rate" -v n="$crowd_providers" 'BEGIN { printf "%.3f", r / n }')/" \
        "$service_folder/callfan.conf"
    for ((i = 0; i < crowd_providers; i++)); do
        kill_process ".providers[$i].pid"
    done
}

# crowd_join owner|monitor NUMBER
crowd_join() {
    local program=(answer --existing)
    if [ "$1" = monitor ]; then
        program=(monitor --json)
    fi
    setsid setpriv --pdeathsig KILL "${measured[@]}" "$bin/callfan" "${program[@]}" >/dev/null 2>>"$service_folder/$1.$2.err" </dev/null &
    crowd_pids["$1 $2"]=$!
    service_children+=("$!")
}

# crowd_leave owner|monitor NUMBER
crowd_leave() {
    local pid=${crowd_pids["$1 $2"]}
    if ! kill -KILL "$pid" 2>/dev/null; then
        fail "$1 $2 had ended by itself"
        cat "$service_folder/$1.$2.err" >&2
    fi
    wait "$pid" 2>/dev/null || true
    forget_aside "$pid"
}

# crowd_kill KIND NUMBER: a provider, an owner or a monitor; it starts again. False: there is none at the moment.
crowd_kill() {
    local pid
    if [ "$1" = provider ]; then
        pid=$(status ".providers[$2 - 1].pid") && [ "$pid" -gt 1 ] && kill -KILL "$pid" 2>/dev/null
        return
    fi
    crowd_leave "$1" "$2"
    crowd_join "$1" "$2"
}

# crowd_settled OPENS: all are there, no call lives and nothing is under way.
crowd_settled() {
    wait_for 60 "$1 open lines" status_is .totals.opens "$1" || result=1
    wait_for 60 "rest" crowd_rests || result=1
}

crowd_rests() {
    status_is '.totals.calls_live == 0 and .totals.handles_live == 0 and .totals.party_blocks == 0 and
        ([.ports[] | .pending + .requests_outstanding + .behind] | add) == 0 and ([.providers[].pid] | all(. > 1))' true
}

# crowd_end: no more calls, by the death of all providers.
crowd_end() {
    end_provider
    crowd_settled $((8 * crowd_providers * (monitors + 2 * crowd_of_each)))
    crowd_usage_is_back || result=1
}

# Of keeper and core: what a leak would show in.
crowd_usage() {
    local core
    core=$(status .process.core_pid)
    status '"opens \(.totals.opens)", "handles \(.totals.handles_live)", "lines \(.totals.lines)", "ports \(.ports | length)",
        "party_blocks \(.totals.party_blocks)", "requests \([.ports[].requests_outstanding] | add)"'
    echo "descriptors_keeper $(descriptors "$service_pid")"
    echo "descriptors_core $(descriptors "$core")"
    echo "objects_keeper $(grep -c memfd: "/proc/$service_pid/maps")"
    echo "objects_core $(grep -c memfd: "/proc/$core/maps")"
}

same_usage() {
    crowd_usage >"$service_folder/usage.after" && cmp -s "$service_folder/usage.before" "$service_folder/usage.after"
}

# Exactly what the living had before. Asked again for a while: the end of a port takes its time.
crowd_usage_is_back() {
    if wait_for 60 "what the living use" same_usage; then
        echo "back at what the living use: $(paste -sd ' ' "$service_folder/usage.after")"
    else
        fail "something is left of the dead (< before, > after):"
        diff "$service_folder/usage.before" "$service_folder/usage.after" >&2 || true
    fi
}

# What may not happen to the checking monitors and the core while others die.
crowd_is_sound() {
    local faults
    faults=$(status '(.totals | to_entries[] | select(.key == ("bad_records", "handles_refused", "set_aside", "parties_dropped")) |
        select(.value != 0) | "\(.key) \(.value)"), (.process | select(.cold_starts != 0) | "cold starts \(.cold_starts)")') || return 1
    if [ -n "$faults" ]; then
        fail "the core counts $(paste -sd , <<<"$faults")"
    fi
}

# random FROM TO: a number, the same ones for the same --seed.
random() {
    random_number=$(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1 + 1)))
}
