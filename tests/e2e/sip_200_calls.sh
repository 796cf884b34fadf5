#!/usr/bin/env bash
# 200 calls of sipp: all succeed, and each of three monitors prints for every call OFFERING, (ACCEPTED,) CONNECTED, DISCONNECTED, IDLE in
# order, with a dense sequence, no duplicate, and the right caller and called.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
command -v sipp >/dev/null || exit 77
take_ports port
calls=200
service_start "provider sip { command = \"callfan-sip\" listen = {\"127.0.0.1:$port\"} }"
lines_are_up 1
line=$("$bin/callfan" lines --json | jq -r 'select(.provider | startswith("callfan-sip")) | .line')
monitors=()
for i in 1 2 3; do
    run_aside "monitor$i" "$bin/callfan" monitor --line "$line" --json
    monitors+=("$aside_pid")
done
run_aside owner "$bin/callfan" answer --line "$line"
owner=$aside_pid
wait_for 30 "four applications" status_is '[.ports[] | select(.kind == "application" and .open_lines == 1)] | length' 4

code=0
(cd "$service_folder" && exec timeout -s KILL 120 sipp -sn uac "127.0.0.1:$port" -i 127.0.0.1 -m $calls -r 20 -nostdin -trace_err \
    >sipp.out 2>&1) || code=$?
[ "$code" -eq 0 ] || fail "sipp ended with $code: $(tail -n 40 "$service_folder/sipp.out")"
grep -qE "Successful call +\| +[0-9]+ +\| +$calls " "$service_folder/sipp.out" || fail "sipp counts other than $calls successful calls"
wait_for 60 "the end of all calls" status_is '[.totals.calls_ended, .totals.calls_live] | tostring' "[$calls,0]"
kill -TERM "${monitors[@]}" "$owner"
wait "$owner" || fail "the owner ended with $?: $(cat "$service_folder/owner.err")"

for i in 1 2 3; do
    out=$service_folder/monitor$i.out
    wait "${monitors[i - 1]}" || fail "monitor $i ended with $?"
    jq -e -s --argjson calls $calls '
        ([.[].seq] | . == [range(1; length + 1)]) and
        ([.[] | select(.message == "LINE_CALLSTATE")] | group_by(.call) | length == $calls and all(
            ([.[].state] - ["ACCEPTED"]) == ["OFFERING", "CONNECTED", "DISCONNECTED", "IDLE"] and
            ([.[].state] | index("ACCEPTED") | . == null or . == 1) and
            .[0].privilege == "MONITOR" and ([.[1:][].privilege] | all(. == null)) and
            all(.caller == "sipp" and .called == "service"))) and
        ([.[] | select(.message == "LINE_APPNEWCALL") | .call] | length == $calls and (unique | length) == $calls)
        ' "$out" >/dev/null || fail "monitor $i: $(tail -n 30 "$out")"
done
