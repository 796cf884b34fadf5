# Sourced by the scripts and the end-to-end tests: a callfand in a folder of its own, and what is asked of it.
#
# The caller sets bin (folder of the programs). service_start sets service_folder, service_pid and CALLFAN_SOCKET. Every process
# started here is ended by service_stop, which an EXIT trap of the caller calls.
# shellcheck shell=bash

service_pid=
service_folder=
service_children=()

# Now, in milliseconds since the machine started.
now_ms() {
    local up rest
    read -r up rest </proc/uptime
    echo $((10#${up%.*} * 1000 + 10#${up#*.} * 10))
}

# A UDP port that is likely to be free, below those that the kernel gives out.
free_port() {
    local port=$((20000 + ($$ * 13 + RANDOM) % 12000)) taken
    taken=$(awk 'NR > 1 { split($2, a, ":"); print a[2] }' /proc/net/udp /proc/net/udp6)
    while grep -qi "^$(printf '%04X' "$port")$" <<<"$taken"; do
        port=$((port + 1))
    done
    echo "$port"
}

# Sleeps so that a signal to the script is obeyed at once.
pause() {
    sleep "$1" &
    wait $!
}

# wait_for SECONDS WHAT COMMAND...: runs the command until it succeeds, every ${poll_seconds:-0.02} seconds.
wait_for() {
    local end=$(($(now_ms) + $1 * 1000)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ "$(now_ms)" -gt "$end" ]; then
            echo "$what: not in time" >&2
            return 1
        fi
        sleep "${poll_seconds:-0.02}"
    done
}

# status PATH: a number of the service's status, e.g. .totals.calls_live
status() {
    "$bin/callfan" status --json | jq -r "$1"
}

status_is() {
    [ "$(status "$1" 2>/dev/null)" = "$2" ]
}

# service_start CONFIGURATION [OPTION...]: starts callfand with that text as its configuration and waits until it answers.
service_start() {
    local text=$1
    shift
    service_folder=${service_folder:-$(mktemp -d "${TMPDIR:-/tmp}/callfan.XXXXXX")}
    export CALLFAN_SOCKET=$service_folder/socket
    printf 'socket = "%s"\n%s\n' "$CALLFAN_SOCKET" "$text" >"$service_folder/callfan.conf"
    # In a session of its own: ^C is for the script, which then ends it. When the script is killed it ends by itself.
    setsid setpriv --pdeathsig TERM "$bin/callfand" --config "$service_folder/callfan.conf" "$@" >>"$service_folder/log" 2>&1 &
    service_pid=$!
    wait_for 30 "callfand" answers || {
        cat "$service_folder/log" >&2
        return 1
    }
}

answers() {
    kill -0 "$service_pid" 2>/dev/null && "$bin/callfan" status
}

# Waits until so many lines are in service.
lines_are_up() {
    wait_for 30 "$1 lines in service" status_is .totals.lines "$1"
}

# run_aside NAME COMMAND...: in the background, output to NAME.out; its process number is in ${aside_pid}.
run_aside() {
    local name=$1
    shift
    setsid setpriv --pdeathsig KILL "$@" >"$service_folder/$name.out" 2>"$service_folder/$name.err" </dev/null &
    aside_pid=$!
    service_children+=("$aside_pid")
}

# Ends what run_aside started and callfand; prints callfand's log when it did not end well. May be called twice.
service_stop() {
    local child code=0
    for child in "${service_children[@]}"; do
        # run_aside gave it a group of its own: what it started goes with it.
        kill -KILL -- "-$child" 2>/dev/null || kill -KILL "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    service_children=()
    if [ -n "$service_pid" ]; then
        kill -TERM "$service_pid" 2>/dev/null || true
        wait "$service_pid" 2>/dev/null || code=$?
        if [ "$code" -ne 0 ]; then
            echo "callfand ended with $code:" >&2
            tail -n 50 "$service_folder/log" >&2
        fi
        service_pid=
    fi
    if [ -n "$service_folder" ] && [ -z "${KEEP_FOLDER:-}" ]; then
        rm -rf "$service_folder"
        service_folder=
    fi
    return "$code"
}

# cpu_seconds PID: user and system time of a process and of its ended children.
cpu_seconds() {
    local line
    line=$(cat "/proc/$1/stat" 2>/dev/null) || {
        echo 0
        return
    }
    # shellcheck disable=SC2086
    set -- ${line##*) }
    awk -v ticks=$((${12} + ${13})) -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f\n", ticks / hz }'
}
