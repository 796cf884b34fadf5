#!/usr/bin/env bash
# callfan drop: rejects what is offered, hangs up what is connected, also several and with owners; what is said when it cannot be.
source "$(dirname "$0")/common.sh"

calls() { "$bin/callfan" calls --json | jq -r "$1"; }
are() { [ "$(calls "$1" | wc -l)" -eq "$2" ]; }
saw() {
    [ "$(lines_of "$service_folder/watcher.out" | jq -r 'select(.message == "LINE_CALLSTATE") | "\(.state) \(.mode)" | sub(" $"; "")' | paste -sd,)" = "$1" ]
}
monitors() { status_is '[.ports[] | select(.name == "callfan monitor").open_lines] | add' 1; }

expect_code 0 "$bin/callfan" drop --help
expect_code 2 "$bin/callfan" drop
expect_said "CALL is missing"
expect_code 2 "$bin/callfan" drop --keep 1
expect_said "unknown option '--keep'"
expect_code 2 "$bin/callfan" drop --line 1 1-2
CALLFAN_SOCKET=/nonexistent/socket expect_code 3 "$bin/callfan" drop 1

service_start 'provider sim {
    command = "callfan-sim" lines = 2 rate = 1000 calls = 1 answer = owner hold_ms = 3600000 hold = fixed abandon = 0 no_answer_ms = 3600000
    dial_ms = 1 setup_ms = 1 answer_ms = 1
}'
lines_are_up 2

# An offered call that nobody owns: rejected.
run_aside watcher "$bin/callfan" monitor --json --line 1
wait_for 30 "the monitor" monitors # before anybody else opens the line: that is when the exchange begins
wait_for 30 "an offer" are 'select(.state == "OFFERING").call_id' 1
offered=$(calls .call_id)
[ "$("$bin/callfan" drop --json "$offered" | jq -r '.state + " " + .call_id')" = "DISCONNECTED $offered" ] || fail "drop of an offer"
wait_for 30 "the monitor to see it rejected" saw "OFFERING ACTIVE,DISCONNECTED REJECT,IDLE"
wait_for 30 "its handle's end" status_is .totals.handles_live 0
expect_code 1 "$bin/callfan" drop "$offered"
expect_said "^callfan drop: call $offered: there is no such call"

# Connected calls of an owner, many in one go.
run_aside owner "$bin/callfan" dial --line 0 --count 20 --max 20 777
owner=$aside_pid
wait_for 30 "20 connected calls" are 'select(.state == "CONNECTED").call_id' 20
mapfile -t ids < <(calls .call_id)
"$bin/callfan" drop "${ids[@]}" >"$service_folder/out" || fail "drop of 20 calls: $?"
[ "$(grep -cE '^line 0  call [0-9a-f]{8}  IDLE$' "$service_folder/out")" -eq 20 ] || fail "$(cat "$service_folder/out")"
wait "$owner" || fail "their owner ended with $?: $(cat "$service_folder/owner.err")"
wait_for 30 "no call left" status_is .totals.calls_live 0
wait_for 30 "no handle left" status_is .totals.handles_live 0
service_stop

# A line that refuses.
new_folder
printf '%s\n' "lines 1" "at 0 on drop fail operationfailed" "at 0 line 0 call 1 new connected active caller 100" >"$service_folder/script"
service_start "provider sim { command = \"callfan-sim\" script = \"$service_folder/script\" }"
lines_are_up 1
run_aside watcher "$bin/callfan" monitor --json
wait_for 30 "the monitor" monitors # before anybody else opens the line: that is when the exchange begins
wait_for 30 "the call" are .call_id 1
expect_code 1 "$bin/callfan" drop "$(calls .call_id)"
expect_said "on line 0: lineDrop: LINEERR_OPERATIONFAILED: "
