# Sourced behind sip_common.sh: what tests with an owner on each of several lines share; the owners of a row are ended together.
# shellcheck shell=bash disable=SC2154

owner_pids=()
from=() # the monitors' next lines

# owners_begin: a row begins.
owners_begin() {
    local i
    owner_pids=()
    for i in 1 2; do
        from[i]=$(($(wc -l <"$service_folder/monitor$i.out") + 1))
    done
}

# owner_start INDEX ARGUMENT...: the owner of a line, in owner_INDEX.
owner_start() {
    local index=$1
    shift
    rm -f "$service_folder/ready"
    run_aside "owner_$index" "$tools/owner" --line "${line[index]}" --ready "$service_folder/ready" "$@"
    owner_pids+=("$aside_pid")
    wait_for 30 "owner $index" test -e "$service_folder/ready"
}

# owners_end SECONDS NAME ALL STATES...: the owners end by themselves; of owner 0, 1 ... the calls went through these states, of the monitors through
# all of them.
owners_end() {
    local seconds=$1 name=$2 all=$3 states=("${@:4}") i pid code calls
    for pid in "${owner_pids[@]}"; do
        wait_for "$seconds" "$name: process $pid" sip_gone "$pid" || kill -TERM "$pid" 2>/dev/null || true
        code=0
        wait "$pid" || code=$?
        [ "$code" -eq 0 ] || sip_complain "$name ($transport): an owner ended with $code: $(cat "$service_folder"/owner_?.err)"
    done
    for ((i = 0; i < ${#states[@]}; i++)); do
        sip_lines "states[$i]"
        sip_compare "$name" "owner $i" "${states[i]}" "$(sip_states "$service_folder/owner_$i.out" 1)"
    done
    sip_lines all
    calls=$(wc -l <<<"$all")
    for i in 1 2; do
        wait_for 30 "$name: monitor $i" sip_ended "$service_folder/monitor$i.out" "${from[i]}" "$calls" || true
        sip_compare "$name" "monitor $i" "$all" "$(sip_states "$service_folder/monitor$i.out" "${from[i]}")"
    done
    sip_rows=$((sip_rows + 1))
}
