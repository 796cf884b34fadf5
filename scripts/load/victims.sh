# Sourced by scripts/load.sh: processes that are killed and started again, and what is measured of it.
# shellcheck shell=bash

# print_silences WHAT [BUT]: the longest time in which the monitors (not number BUT) got nothing after a mark, and the time until the first
# event that is newer than it.
print_silences() {
    jq -rs --arg what "$1" --argjson but "${2:-0}" '[.[] | select(.monitor != $but) | .marks[].silence_ns / 1e6] | sort | if length == 0 then empty else
        "\($what): longest silence of a monitor after a kill: median \(.[length / 2 | floor]) ms, worst \(.[-1]) ms, \(length) seen"
        end' "$service_folder/check.out"
    jq -rs --arg what "$1" --argjson but "${2:-0}" '[.[] | select(.monitor != $but) | [.marks[].first_ns / 1e6]] | transpose | map(if any(. == null or . == 0) then null else max end) |
        (map(select(. == null)) | length) as $none | map(select(. != null)) | sort | if length == 0 then empty else
        "\($what): first new event after a kill, at the monitor that got it last: median \(.[length / 2 | floor]) ms, " +
        "p90 \(.[length * 9 / 10 | floor]) ms, worst \(.[-1]) ms, above 100 ms \(map(select(. > 100)) | length) of \(length)" +
        (if $none == 0 then "" else ", none at all after \($none)" end) end' "$service_folder/check.out"
}

# check_first WHAT: no kill was felt longer than --first-ms says.
check_first() {
    local late fewest
    fewest=$(jq -s 'map(.marks | length) | min // 0' "$service_folder/check.out")
    if [ "$fewest" -lt "$kills" ]; then
        fail "$1: of $kills kills a monitor knows $fewest"
    fi
    [ -n "$first_ms" ] || return 0
    late=$(jq -s --argjson max "$first_ms" '[.[].marks[] | select(.first_ns == 0 or .first_ns > $max * 1e6)] | length' \
        "$service_folder/check.out")
    if [ "$late" -ne 0 ]; then
        fail "$1: $late times a monitor got no new event within $first_ms ms of a kill"
    fi
}

# The core started again after each kill, and never else.
check_restarts() {
    if ! status_is .process.core_restarts "$kills"; then
        fail "the core was killed $kills times and started again $(status .process.core_restarts) times"
    fi
}

start_owner() {
    run_aside owner "$bin/callfan" answer --existing
    owner_pid=$aside_pid
}

start_victim() {
    run_aside victim "$bin/callfan" monitor --json
    victim_pid=$aside_pid
}

# forget_aside PID: it has ended, and service_stop need not know of it any more.
forget_aside() {
    local i
    for i in "${!service_children[@]}"; do
        if [ "${service_children[$i]}" = "$1" ]; then
            unset "service_children[$i]"
        fi
    done
}

# How long until nothing of a dead application is left: its port, and with it handles and open lines. Measured by asking.
gone_after=()
no_port_of() {
    status_is "[.ports[] | select(.pid == $1)] | length" 0
}
time_gone() {
    local from
    from=$(now_ms)
    wait_for 30 "the end of process $1" no_port_of "$1" || result=1
    gone_after+=($(($(now_ms) - from)))
}

# phase NAME: from now on the monitors report their latencies under it, too.
phase() {
    echo "$EPOCHREALTIME $1" >>"$service_folder/marks"
    kill -USR1 "$check_pid"
}

# kill_marked PID: kill -9, and the moment for the monitors.
kill_marked() {
    echo "$EPOCHREALTIME" >>"$service_folder/marks"
    kill -KILL "$1"
    kill -USR1 "$check_pid"
}

# kill_process PATH [COMMAND]: the process whose number the status has there, once it runs.
kill_process() {
    local pid=0
    wait_for 60 "a process at $1" status_is "$1 > 1" true
    pid=$(status "$1")
    if [ "$pid" -gt 1 ]; then
        "${2:-kill_silently}" "$pid"
    fi
}

kill_silently() {
    kill -KILL "$1" 2>/dev/null || true
}

# kill_application PID
kill_application() {
    kill_marked "$1"
    wait "$1" 2>/dev/null || true
    forget_aside "$1"
    time_gone "$1"
}

kill_one() {
    case $1 in
    core) kill_process .process.core_pid kill_marked ;;
    provider) kill_process '.providers[0].pid' kill_marked ;;
    owner)
        kill_application "$owner_pid"
        start_owner
        ;;
    monitor)
        kill_application "$victim_pid"
        start_victim
        ;;
    *)
        echo "load.sh: nobody is called $1: core, monitor, owner or provider" >&2
        exit 2
        ;;
    esac
}

# end_provider [SECONDS]: no more traffic: the calls of all providers are driven to IDLE by their death, within that time (30), and do not come back.
end_provider() {
    local i count
    sed -i 's/^    rate = .*/    rate = 0/' "$service_folder/callfan.conf"
    count=$(status '.providers | length')
    for ((i = 0; i < count; i++)); do
        kill_process ".providers[$i].pid"
    done
    wait_for "${1:-30}" "the end of all calls" status_is .totals.calls_live 0 || result=1
}
