#!/usr/bin/env bash
# The core stands still while hundreds of calls end, until the ring of callfan-sip is full: it stops reading its network, whose callers repeat
# what they say; what it has to report all the same is kept, older states of a call merged into newer ones. At the end both monitors know that
# every call is IDLE, and nothing but a DISCONNECTED before it may be missing.
# ctest-timeout: 180
source "$(dirname "$0")/sip_common.sh"
take_ports port peer_port
calls=600
new_folder
service_start "provider_up_ring_bytes = 65536
hang_seconds = 180
provider sip { command = \"callfan-sip\"
listen = {\"127.0.0.1:$port\"}
}"
lines_are_up 1
for i in 1 2; do
    run_aside "monitor$i" "$bin/callfan" monitor --json
done
run_aside owner "$bin/callfan" answer --hold 60000
wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"
wait_for 30 "two monitors" status_is '[.ports[] | select(.kind == "application" and .open_lines == 1)] | length' 3
core=$(status .process.core_pid)

rate=$(by_build 300 100)
sipp_run ending caller_hangs_up udp "$peer_port" "calls=$calls&rate=$rate&pause=$((calls * 1000 / rate + 10000))" "127.0.0.1:$port" -l $calls
connected() { [ "$(lines_of "$service_folder/monitor1.out" | grep -c '"state":"CONNECTED"')" -eq "$calls" ]; }
wait_for 60 "$calls calls" connected
kill -STOP "$core" # nobody takes what the provider reports from here on
byes() { cat "$service_folder"/ending/*_messages.log | grep -ac '^BYE '; }
repeated() { [ "$(byes)" -gt $((calls + calls / 10)) ]; }
wait_for 60 "BYE of all calls, and again" repeated
kill -CONT "$core"
code=0
wait "$sipp_pid" || code=$?
[ "$code" -eq 0 ] || {
    sip_trace ending
    fail "sipp ended with $code"
}
wait_for 60 "the end of all calls" status_is .totals.calls_live 0
wait_for 30 "the last handle" status_is .totals.handles_live 0
[ "$(status .process.core_pid)" = "$core" ] || fail "the core was started again"

echo "$calls calls, $(byes) BYE"
for i in 1 2; do
    wait_for 30 "the end of all calls at monitor $i" sip_ended "$service_folder/monitor$i.out" 1 "$calls" || true
    sip_states "$service_folder/monitor$i.out" 1 | sed 's/\/[A-Z]*//g' | sort | uniq -c | sed 's/^ *//' >"$service_folder/states$i"
    cat "$service_folder/states$i"
    whole=$(sed -n 's/ OFFERING CONNECTED DISCONNECTED IDLE$//p' "$service_folder/states$i")
    short=$(sed -n 's/ OFFERING CONNECTED IDLE$//p' "$service_folder/states$i")
    [ $((${whole:-0} + ${short:-0})) -eq "$calls" ] || fail "monitor $i: some of $calls calls did not end IDLE"
done
cmp "$service_folder/states1" "$service_folder/states2" || fail "the monitors were told differently"
