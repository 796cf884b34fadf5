#!/usr/bin/env bash
# The tutorial's program is the example that is compiled; it prints every state of simulated calls.
source "$(dirname "$0")/common.sh"
[ -x "${CALLFAN_EXAMPLES:?}/monitor" ] || fail "the example was not built"
sed -n '/^```c$/,/^```$/p' "$source_root/docs/tutorial.md" | sed -n '2,/^```$/p' | sed '$d' |
    diff - "$source_root/docs/examples/monitor.c" || fail "docs/tutorial.md shows another program than docs/examples/monitor.c"

service_start 'provider sim {
    command = "callfan-sim" lines = 2 rate = 100 accept_ms = 10 answer_ms = 10 hold_ms = 50 hold = fixed linger_ms = 10 calls = 20 arrivals = regular
}'
lines_are_up 2
timeout -s KILL 60 "$CALLFAN_EXAMPLES/monitor" 100 >"$service_folder/out" # 20 calls of 5 states
awk '{ states[$4] = states[$4] " " $5 }
    END {
        for (call in states) {
            calls++
            if (states[call] != " OFFERING ACCEPTED CONNECTED DISCONNECTED IDLE") { print call ":" states[call]; wrong++ }
        }
        exit !(calls == 20 && wrong == 0)
    }' "$service_folder/out" || fail "the states of its calls"
wait_for 30 "no handle left" status_is .totals.handles_live 0
CALLFAN_SOCKET=/nonexistent/socket expect_code 1 "$CALLFAN_EXAMPLES/monitor"
expect_said "lineInitializeEx: LINEERR_SERVICE_NOT_RUNNING"
