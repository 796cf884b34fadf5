# Sourced by the scripts and the end-to-end tests: a callfand in a folder of its own, and what is asked of it.
#
# The caller sets bin (folder of the programs). service_start sets service_folder, service_pid and CALLFAN_SOCKET. Every process
# started here is ended by service_stop, which an EXIT trap of the caller calls.
# shellcheck shell=bash

service_pid=
service_folder=
service_children=()
measured=() # before each command that is part of what is measured; the script and what it asks with are not

# Now, in milliseconds since the machine started.
now_ms() {
    local up rest
    read -r up rest </proc/uptime
    echo $((10#${up%.*} * 1000 + 10#${up#*.} * 10))
}

# Ports for the script that takes them: a block of them below those that the kernel gives out, which no other script has meanwhile. What it
# starts has the lock's descriptor too, so that the block is free again when the last of them has gone.
ports_per_block=32
ports_block=
ports_lock=
ports_next=

# ports_lock_block: a block that nobody has.
ports_lock_block() {
    local folder=${TMPDIR:-/tmp}/callfan.ports.$UID i
    mkdir -p "$folder"
    for ((i = 0; i < 1000; i++)); do
        ports_block=$((20000 + RANDOM % 375 * ports_per_block))
        exec {ports_lock}>"$folder/$ports_block"
        ! flock -n "$ports_lock" || return 0
        exec {ports_lock}>&-
    done
    echo "no ports are left for this test" >&2
    return 1
}

# port_taken PORT: somebody has it, for UDP or TCP.
port_taken() {
    grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") " /proc/net/udp /proc/net/udp6 /proc/net/tcp /proc/net/tcp6
}

# take_ports NAME...: sets each variable to a port of this script's own, one behind the other where nobody from elsewhere has one in between.
take_ports() {
    local _name
    [ -n "$ports_block" ] || { ports_lock_block && ports_next=$ports_block; }
    for _name in "$@"; do
        while port_taken "$ports_next"; do
            ports_next=$((ports_next + 1))
        done
        if [ "$ports_next" -ge $((ports_block + ports_per_block)) ]; then
            echo "a test takes more than $ports_per_block ports" >&2
            return 1
        fi
        printf -v "$_name" %s "$ports_next"
        ports_next=$((ports_next + 1))
    done
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

# lines_of FILE [FROM]: the whole lines of a file that may still be written, from that one on. What the last write has begun is left out.
lines_of() {
    head -n "$(wc -l <"$1")" "$1" | tail -n "+${2:-1}"
}

# descriptors PID: how many it has open. The fewest of several looks: who asked a moment ago may still be being shown out.
descriptors() {
    local i n fewest=
    for ((i = 0; i < 10; i++)); do
        n=$(find "/proc/$1/fd" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l) || true # one may go while it looks
        if [ -z "$fewest" ] || [ "$n" -lt "$fewest" ]; then fewest=$n; fi
        sleep 0.02
    done
    echo "$fewest"
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
    setsid setpriv --pdeathsig TERM "${measured[@]}" "$bin/callfand" --config "$service_folder/callfan.conf" "$@" >>"$service_folder/log" 2>&1 &
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
    : >"$service_folder/$name.out" # what somebody of that name said before is gone now, and not only when this one runs
    : >"$service_folder/$name.err"
    setsid setpriv --pdeathsig KILL "${measured[@]}" "$@" >"$service_folder/$name.out" 2>"$service_folder/$name.err" </dev/null &
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

# memory_kib PID FIELD: of /proc/PID/status, in KiB. False: there is no such process any more.
memory_kib() {
    awk -v field="$2:" '$1 == field { print $2; found = 1 } END { exit !found }' "/proc/$1/status" 2>/dev/null
}

# resident_kib PID: what it uses, shared memory with it; private_kib PID: its own, without what it shares.
resident_kib() { memory_kib "$1" VmRSS; }
private_kib() { memory_kib "$1" RssAnon; }

# memory_sum FIELD PID...: of those of them that live.
memory_sum() {
    local field=$1 pid sum=0 kib
    shift
    for pid; do
        kib=$(memory_kib "$pid" "$field") || continue
        sum=$((sum + kib))
    done
    echo "$sum"
}

# cpu_us PID: processor time of the threads that it has, without the ticks of cpu_seconds.
cpu_us() {
    local file ns sum=0
    for file in "/proc/$1/task/"*/schedstat; do
        read -r ns _ 2>/dev/null <"$file" || continue
        sum=$((sum + ns))
    done
    echo $((sum / 1000))
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
