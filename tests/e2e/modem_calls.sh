#!/usr/bin/env bash
# callfan-modem under the real callfand: calls of a scripted modem on a pseudo terminal are answered, cancelled, cut off by pulling the
# device; a monitor prints the right states of each, and the line goes and comes back.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
modem=$(dirname "$bin")/tests/test_modem_program
[ -x "$modem" ] || exit 77
new_folder
tty=$service_folder/modem
mkfifo "$service_folder/hands"
exec 9<>"$service_folder/hands"
"$modem" --modem "$tty" <"$service_folder/hands" 9>&- &
modem_pid=$!
service_children+=("$modem_pid")
tell() { # r a call rings, h the far end hangs up, c the caller gives up, v pulled, b plugged in again
    printf '%s' "$1" >&9
}
wait_for 30 "the modem" test -L "$tty"

# The configuration of docs/adapters/modem.md, with shorter times.
service_start "provider modem {
    command = \"callfan-modem\"
    device = {\"$tty\"}
    number = {\"5550100\"}
    profile = {gsm}
    poll_ms = 400
    command_ms = 20000 # it is silent for a while, below
    retry_ms = 50
    remove_ms = 5000
    restart_ms_min = 50
}"
lines_are_up 1
line_is() { # STATE of the line in `callfan lines`
    [ "$("$bin/callfan" lines --json | jq -r 'select(.provider | startswith("callfan-modem")) | .in_service')" = "$1" ]
}
wait_for 30 "the modem in service" line_is true
run_aside monitor "$bin/callfan" monitor --json
monitor=$aside_pid
run_aside owner "$bin/callfan" answer
owner=$aside_pid
wait_for 30 "two applications" status_is '[.ports[] | select(.kind == "application" and .open_lines == 1)] | length' 2

states() { # of the Nth call, as the monitor has it, with the mode of DISCONNECTED
    lines_of "$service_folder/monitor.out" | jq -r -s --argjson n "$1" '[.[] | select(.message == "LINE_CALLSTATE")] | group_by(.call) | sort_by(.[0].seq) | .[$n - 1] // [] |
        map(.state + (if .state == "DISCONNECTED" then ":" + .mode else "" end)) | join(" ")'
}
states_are() {
    [ "$(states "$1")" = "$2" ]
}

tell r
wait_for 30 "an answered call" states_are 1 "OFFERING CONNECTED"
tell h
wait_for 30 "its end" states_are 1 "OFFERING CONNECTED DISCONNECTED:NORMAL IDLE"
kill -TERM "$owner"
wait "$owner" || fail "the owner ended with $?: $(cat "$service_folder/owner.err")"
wait_for 30 "one application" status_is '[.ports[] | select(.kind == "application" and .open_lines == 1)] | length' 1

tell r
wait_for 30 "a ringing call" states_are 2 "OFFERING"
tell c
wait_for 30 "its end" states_are 2 "OFFERING DISCONNECTED:CANCELLED IDLE"

tell r
wait_for 30 "a ringing call" states_are 3 "OFFERING"
tell v
wait_for 30 "its end" states_are 3 "OFFERING DISCONNECTED:UNKNOWN IDLE"
removed() {
    grep -q '"LINE_REMOVE"' "$service_folder/monitor.out"
}
wait_for 30 "LINE_REMOVE" removed
tell b
created() {
    grep -q '"LINE_CREATE"' "$service_folder/monitor.out"
}
wait_for 30 "LINE_CREATE" created
wait_for 30 "the monitor on the line again" status_is '[.ports[] | select(.kind == "application" and .open_lines == 1)] | length' 1

tell r
wait_for 30 "a call after the return" states_are 4 "OFFERING"
parties_are() { # the number came after the call: a batch record keeps what was known at the beginning, lineGetCallInfo has it
    [ "$("$bin/callfan" calls --json | jq -r '[.caller, .called] | join(" ")')" = "$1" ]
}
wait_for 30 "caller and called" parties_are "5550123 5550100"
tell c
wait_for 30 "its end" states_are 4 "OFFERING DISCONNECTED:CANCELLED IDLE"

# The owner's tools: dialled, held, retrieved, dropped. A call that a provider makes is UNKNOWN to monitors until its first state.
run_aside dial "$bin/callfan" dial --line 0 1555
dial=$aside_pid
wait_for 30 "an answer" states_are 5 "UNKNOWN DIALING PROCEEDING RINGBACK CONNECTED"
call=$("$bin/callfan" calls --json | jq -r .call_id)
"$bin/callfan" hold "$call" || fail "hold"
wait_for 30 "ONHOLD" states_are 5 "UNKNOWN DIALING PROCEEDING RINGBACK CONNECTED ONHOLD"
"$bin/callfan" unhold "$call" || fail "unhold"
wait_for 30 "CONNECTED again" states_are 5 "UNKNOWN DIALING PROCEEDING RINGBACK CONNECTED ONHOLD CONNECTED"
"$bin/callfan" drop "$call" || fail "drop"
wait_for 30 "IDLE" states_are 5 "UNKNOWN DIALING PROCEEDING RINGBACK CONNECTED ONHOLD CONNECTED IDLE"
wait "$dial" || fail "dial ended with $?: $(cat "$service_folder/dial.err")"
code=0
"$bin/callfan" dial --line 0 2555 >/dev/null 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "a busy line: $code"
wait_for 30 "BUSY" states_are 6 "UNKNOWN DIALING PROCEEDING RINGBACK BUSY DISCONNECTED:BUSY IDLE"

# kill -9 of the provider: its calls end; the next one finds the call still in the modem and announces it in its state. The modem says nothing
# until the applications have opened its line again: a call that nobody is there for is refused.
tell r
wait_for 30 "a ringing call" states_are 7 "OFFERING"
run_aside owner2 "$bin/callfan" answer --existing
wait_for 30 "an answered call" states_are 7 "OFFERING CONNECTED"
kill -STOP "$modem_pid"
kill -KILL "$(status '.providers[0].pid')"
wait_for 30 "its end" states_are 7 "OFFERING CONNECTED DISCONNECTED:UNKNOWN IDLE"
wait_for 30 "the next provider" status_is '.providers[0] as $p | .ports[] | select(.port == $p.port) | $p.restarts == 1 and .pid == $p.pid and .state == "live"' true
wait_for 30 "monitor and owner on the line again" status_is '[.ports[] | select(.kind == "application" and .open_lines == 1)] | length' 2
kill -CONT "$modem_pid"
wait_for 30 "the call found by the next provider" states_are 8 "CONNECTED"
tell h
wait_for 30 "its end" states_are 8 "CONNECTED DISCONNECTED:NORMAL IDLE"
kill -TERM "$monitor"
wait "$monitor" || fail "the monitor ended with $?"
[ "$(status '.totals.bad_records + .process.core_restarts')" -eq 0 ] || fail "something was counted: $(status .totals)"
