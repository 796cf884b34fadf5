#!/usr/bin/env bash
# ctest-timeout: 240
# ctest-labels: one-thread
# A SIP call between two lines of one trunk, from the command line: dial and answer, hold and retrieve at both ends, drop; what each
# owner sees, and what a monitor of both lines sees. Then a hundred calls, and some to nobody.
source "$(dirname "$0")/common.sh"
take_ports near far

service_start "provider sip {
    command = \"callfan-sip\" number = {\"100\", \"200\"} trying_ms = 0
    listen = {\"127.0.0.1:$near\", \"127.0.0.1:$far\"} peer = {\"127.0.0.1:$far\", \"127.0.0.1:$near\"}
}"
lines_are_up 2
run_aside callee "$bin/callfan" answer --line 1 --accept
wait_for 30 "the owner of line 1" grep -q "ready on 1 lines" "$service_folder/callee.err"
run_aside watcher "$bin/callfan" monitor --json
watcher=$aside_pid
wait_for 30 "the monitor of both lines" status_is '[.ports[] | select(.name == "callfan monitor").open_lines] | add' 2

# seen LINE: what the monitor saw of the call of that line. UNKNOWN comes first for a call that another application makes; PROCEEDING
# comes with a 100, which is not sent where the 180 is as fast.
seen() {
    lines_of "$service_folder/watcher.out" |
        jq -r --argjson line "$1" 'select(.message == "LINE_CALLSTATE" and .line == $line and .state != "PROCEEDING") |
            "\(.state) \(.mode)" | sub(" $"; "")' | paste -sd,
}
saw() { [ "$(seen "$1")" = "$2" ]; }
id_on() { "$bin/callfan" calls --json --line "$1" | jq -r .call_id; }

run_aside caller "$bin/callfan" dial --line 0 --json 200
caller=$aside_pid
out0="UNKNOWN,DIALING,RINGBACK,CONNECTED ACTIVE" in1="OFFERING ACTIVE,ACCEPTED,CONNECTED ACTIVE"
wait_for 30 "the connection at the caller" saw 0 "$out0" || fail "$(seen 0)"
wait_for 30 "the connection at the callee" saw 1 "$in1"
call=$(id_on 0) peer=$(id_on 1)
[ "$("$bin/callfan" hold "$call")" = "line 0  call $call  ONHOLD" ] || fail "hold at the caller"
wait_for 30 "the callee to be held" saw 1 "$in1,CONNECTED ACTIVEHELD"
[ "$("$bin/callfan" hold "$peer")" = "line 1  call $peer  ONHOLD" ] || fail "hold at the callee"
[ "$("$bin/callfan" unhold "$peer")" = "line 1  call $peer  CONNECTED ACTIVEHELD" ] || fail "unhold at the callee, which is still held"
[ "$("$bin/callfan" unhold "$call")" = "line 0  call $call  CONNECTED ACTIVE" ] || fail "unhold at the caller"
wait_for 30 "the callee to be retrieved" saw 1 "$in1,CONNECTED ACTIVEHELD,ONHOLD,CONNECTED ACTIVEHELD,CONNECTED ACTIVE"
"$bin/callfan" drop "$peer" >/dev/null || fail "drop at the callee"
wait "$caller" || fail "dial ended with $?: $(cat "$service_folder/caller.err")"
wait_for 30 "the end at the caller" saw 0 "$out0,ONHOLD,CONNECTED ACTIVE,DISCONNECTED NORMAL,IDLE"
[ "$(jq -r '.state // empty' "$service_folder/caller.out" | grep -v PROCEEDING | paste -sd,)" = \
    "DIALING,RINGBACK,CONNECTED,ONHOLD,CONNECTED,DISCONNECTED,IDLE" ] || fail "what the caller's owner saw"

"$bin/callfan" dial --line 0 --count 100 --rate 100 --talk 0.05 --quiet 200 2>"$service_folder/err" || fail "100 calls: $(cat "$service_folder/err")"
grep -q "100 made, 100 answered, 0 failed" "$service_folder/err" || fail "$(cat "$service_folder/err")"
kill -TERM "$watcher" # whoever monitors a line could still answer
wait "$watcher" || fail "the monitor ended with $?"
expect_code 1 "$bin/callfan" dial --line 1 --quiet --seconds 60 100
expect_said "call [0-9a-f]{8} to '100' on line 1: DISCONNECTED [A-Z]+, cause SIP [0-9]{3}$"
wait_for 30 "no call left" status_is .totals.calls_live 0
