#!/usr/bin/env bash
# callfand ends and is started anew on the same socket: applications are told, a monitor joins again and goes on, an owner ends with
# exit status 3; a provider that callfand does not start itself comes back too.
# ctest-timeout: 120
source "$(dirname "$0")/common.sh"
configuration='provider sim { command = "callfan-sim" lines = 2 rate = 100 accept_ms = 10 answer_ms = 20 hold_ms = 100 }'
service_start "$configuration"
lines_are_up 2
run_aside monitor "$bin/callfan" monitor --json
monitor=$aside_pid
run_aside owner "$bin/callfan" answer
owner=$aside_pid
seen() { [ "$(lines_of "$service_folder/monitor.out" | jq -s '[.[] | select(.message == "LINE_CALLSTATE")] | length')" -gt "$1" ]; }
wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"
wait_for 30 "calls at the monitor" seen 20
kill -TERM "$service_pid"
wait "$service_pid" || fail "callfand ended with $?"
code=0
wait "$owner" || code=$?
[ "$code" -eq 3 ] || fail "the owner ended with $code"
wait_for 30 "the monitor to notice" grep -q "the service went away" "$service_folder/monitor.err"
jq -e -s 'any(.message == "LINE_CLOSE") and any(.message == "LINE_LINEDEVSTATE")' "$service_folder/monitor.out" >/dev/null ||
    fail "the monitor was not told by messages"
before=$(jq -s '[.[] | select(.message == "LINE_CALLSTATE")] | length' "$service_folder/monitor.out")
service_start "$configuration"
wait_for 30 "calls after the restart" seen $((before + 20))
kill -0 "$monitor" || fail "the monitor is gone"
kill -TERM "$monitor"
wait "$monitor" || fail "the monitor ended with $?"
