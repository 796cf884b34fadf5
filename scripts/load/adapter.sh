# Sourced by scripts/load.sh: the adapter's processor time, switches and system calls.
# shellcheck shell=bash

# adapter_use: of the adapter so far, time it ran in ns, user and system time in clock ticks, switches of its own will and by force.
adapter_use() {
    local pid line
    pid=$(status '.providers[0].pid')
    line=$(cat "/proc/$pid/stat")
    # shellcheck disable=SC2086
    set -- ${line##*) }
    echo "$(cut -d ' ' -f 1 "/proc/$pid/schedstat") ${12} ${13} $(awk '/ctxt_switches/ { printf "%s ", $2 }' "/proc/$pid/status")"
}

# adapter_begin: what is counted from now on.
adapter_begin() {
    perf_pid=
    if [ "$system_calls" = yes ]; then
        perf stat -x , -e raw_syscalls:sys_enter -p "$(status '.providers[0].pid')" -o "$service_folder/perf" &
        perf_pid=$!
        service_children+=("$perf_pid")
    fi
    read -ra before <<<"$(adapter_use)"
}

# adapter_end CALLS: what the adapter used since adapter_begin. The whole time is exact; the kernel guesses how it divides.
adapter_end() {
    local calls=$1 now
    read -ra now <<<"$(adapter_use)"
    awk -v calls="$calls" -v ns=$((now[0] - before[0])) -v user=$((now[1] - before[1])) -v sys=$((now[2] - before[2])) \
        -v own=$((now[3] - before[3])) -v forced=$((now[4] - before[4])) 'BEGIN {
        us = ns / 1000 / calls; part = user + sys > 0 ? user / (user + sys) : 0
        printf "callfan-sip: %.1f us of processor time per call, user %.1f, system %.1f; switches per call %.2f, %.2f by force\n",
            us, us * part, us * (1 - part), own / calls, forced / calls
    }'
    if [ -n "$perf_pid" ]; then
        kill -INT "$perf_pid" 2>/dev/null || true
        wait "$perf_pid" 2>/dev/null || true
        awk -F , -v calls="$calls" '/sys_enter/ { printf "callfan-sip: %.2f system calls per call\n", $1 / calls; found = 1 }
            END { exit !found }' "$service_folder/perf" || fail "perf did not count the system calls"
    fi
}
