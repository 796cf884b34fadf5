#!/usr/bin/env bash
# The whole service as another user, in its sandbox; the keeper alone is root. Calls over UDP and TCP flow, while the core and then each
# provider is killed once, and nobody is killed by a filter.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
command -v sipp >/dev/null || exit 77
[ "$(id -u)" -eq 0 ] || exit 77
new_folder
chmod 0755 "$service_folder"
take_ports port
calls=60
service_start "user = \"65534\"
provider sim { command = \"callfan-sim\" lines = 2 rate = 50 accept_ms = 10 answer_ms = 20 hold_ms = 100 restart_ms_min = 20 }
provider sip { command = \"callfan-sip\" user = \"65533\" listen = {\"127.0.0.1:$port\"} restart_ms_min = 20 }"
lines_are_up 3
line=$("$bin/callfan" lines --json | jq -r 'select(.provider | startswith("callfan-sip")) | .line')
run_aside monitor "$bin/callfan" monitor --json
monitor=$aside_pid
run_aside owner "$bin/callfan" answer --line "$line"
wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"

users() { # of core, simulator and trunk
    local pid
    for pid in $(status '.process.core_pid, (.providers[] | .pid)'); do
        awk '/^Uid:/ { printf "%s ", $2 } /^Seccomp:/ { printf "%s ", $2 } /^CapEff:/ { printf "%s ", $2 }' "/proc/$pid/status"
    done
}
filter=$(by_build 2 0)
wanted="65534 0000000000000000 $filter 65534 0000000000000000 $filter 65533 0000000000000000 $filter "

call_over() { # TRANSPORT sipp's name of it
    local code=0
    (cd "$service_folder" && exec timeout -s KILL 100 sipp -sn uac -t "$1" "127.0.0.1:$port" -i 127.0.0.1 -m $calls -r 30 -nostdin \
        -trace_err >"sipp.$1.out" 2>&1) || code=$?
    [ "$code" -eq 0 ] || fail "sipp over $1 ended with $code: $(tail -n 40 "$service_folder/sipp.$1.out")"
}

users_are() { [ "$(users)" = "$wanted" ]; }
wait_for 30 "the sandbox" users_are || fail "users, capabilities, filters: $(users)"
call_over u1
kill -KILL "$(status .process.core_pid)"
wait_for 30 "a new core" status_is .process.core_restarts 1
call_over t1
for provider in 0 1; do
    kill -KILL "$(status ".providers[$provider].pid")"
    # The port is the next one's only when nothing of the dead one's lines is left.
    wait_for 30 "a new process" status_is ".providers[$provider] as \$p | .ports[] | select(.port == \$p.port) |
        \$p.restarts == 1 and .pid == \$p.pid and .state == \"live\"" true
done
lines_are_up 3
wait_for 30 "monitor and owner again" status_is '[.ports[] | select(.kind == "application") | .open_lines] | sort | tostring' "[1,3]"
wait_for 30 "the sandbox of the next" users_are || fail "users, capabilities, filters after the restarts: $(users)"
before=$(status .totals.calls_ended)
more() { [ "$(status .totals.calls_ended)" -gt $((before + 20)) ]; }
wait_for 30 "calls after the restarts" more
kill -TERM "$monitor"
wait "$monitor" || fail "the monitor ended with $?: $(cat "$service_folder/monitor.err")"
jq -e -s '[.[].seq] | . == [range(1; length + 1)]' "$service_folder/monitor.out" >/dev/null || fail "the monitor missed something"
! grep -E "system call filter|cannot" "$service_folder/log" || fail "see above"
