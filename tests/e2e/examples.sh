#!/usr/bin/env bash
# The examples of the documents: an owner takes calls through its steps to a transfer, also one that cannot be held, one whose caller hangs
# up, and one whose colleague rejects the call; another makes a conference; a program in the idiom of Windows shows every call, dials, and
# tells what becomes of it.
source "$(dirname "$0")/common.sh"
for example in owner conference windows_phone; do
    [ -x "${CALLFAN_EXAMPLES:?}/$example" ] || fail "docs/examples/$example.c was not built"
done

# what NAME: what it said of its calls, without their handles, each call's in order; several calls are separated by |.
what() {
    awk '{ call = $2; $1 = $2 = ""; sub(/^ +/, ""); sub(/ +$/, ""); if (!(call in said)) order[++n] = call; said[call] = said[call] "," $0 }
        END { for (i = 1; i <= n; i++) printf "%s%s", (i > 1 ? "|" : ""), substr(said[order[i]], 2) }' "$service_folder/$1.out"
}

says() { grep -qxF -- "$2" "$service_folder/$1.out"; }

# expect NAME TEXT...: these lines, in this order; others may stand between.
expect() {
    local name=$1 at=0 text found
    shift
    for text in "$@"; do
        found=$(awk -v at="$at" -v text="$text" 'NR > at && $0 == text { print NR; exit }' "$service_folder/$name.out")
        [ -n "$found" ] || fail "$name did not say '$text' after line $at: $(cat "$service_folder/$name.out")"
        at=$found
    done
}

# walks NAME: the example begins to take one call of line 1 to its end; keys of the exchange come from the standard input.
walks() {
    service_start "provider sim {
        command = \"callfan-sim\" lines = 2 rate = 100 answer = owner calls = 1 hold_ms = 3600000 hold = fixed
        dial_ms = 2 setup_ms = 2 answer_ms = 2 $(cat)
    }"
    lines_are_up 2
    run_aside "$1" timeout -s KILL 60 "$CALLFAN_EXAMPLES/$1" 1 1
}

# expect_walk NAME COMPLAINT CALL...: when it has ended, what was said of each call, exactly, and which function failed how ("": none).
expect_walk() {
    local name=$1 complaint=$2 wanted
    shift 2
    wanted=$(IFS='|' && echo "$*")
    wait "$aside_pid" || fail "$name ended with $?: $(cat "$service_folder/$name.err")"
    wait_for 30 "no call left" status_is .totals.calls_live 0
    [ "$(cut -d: -f1,2 "$service_folder/$name.err")" = "$complaint" ] || fail "$name complained: $(cat "$service_folder/$name.err")"
    [ "$(what "$name")" = "$wanted" ] || fail "$name: $(what "$name") instead of $wanted"
    service_stop
    new_folder
}

# The owner: a call is answered, held, retrieved, and transferred to who was consulted.
taken="is OFFERING ACTIVE,lineAnswer,is CONNECTED ACTIVE,lineHold,is ONHOLD,lineUnhold,is CONNECTED ACTIVE,lineSetupTransfer"
dialled="is DIALTONE NORMAL,is DIALING,is PROCEEDING,is RINGBACK"
walks owner </dev/null
expect_walk owner "" \
    "$taken,is ONHOLDPENDTRANSFER,lineSwapHold,is CONNECTED ACTIVE,lineSwapHold,is ONHOLDPENDTRANSFER,lineCompleteTransfer,is IDLE" \
    "$dialled,is CONNECTED ACTIVE,is ONHOLDPENDTRANSFER,is CONNECTED ACTIVE,is IDLE"

# The colleague rejects the call, which ends when it is cleared; the caller is retrieved by the exchange and given up. An exchange that
# cannot transfer: the step fails.
walks owner <<<'dial = {"5551=reject"} linger_ms = 3600000'
expect_walk owner "" "$taken,is ONHOLDPENDTRANSFER,is CONNECTED ACTIVE,is IDLE" \
    "is DIALTONE NORMAL,is DIALING,is PROCEEDING,is DISCONNECTED REJECT,is IDLE"
walks owner <<<'without = {setuptransfer}'
expect_walk owner "lineSetupTransfer: LINEERR_OPERATIONUNAVAIL" "$taken,is IDLE"

# The caller's call is ended while the colleague's set rings: that call is given up too.
walks owner <<<'dial = {"5551=noanswer"} no_answer_ms = 3600000'
call_in() { "$bin/callfan" calls --json | jq -r "select(.state == \"$1\").call_id"; }
wait_for 30 "the colleague's set" grep -q "is RINGBACK" "$service_folder/owner.out" # before that nobody else may open the line and get the call
"$bin/callfan" drop "$(call_in ONHOLDPENDTRANSFER)" >"$service_folder/drop.out" || fail "drop: $?"
expect_walk owner "" "$taken,is ONHOLDPENDTRANSFER,is IDLE" "$dialled,is IDLE"
CALLFAN_SOCKET=/nonexistent/socket expect_code 1 "$CALLFAN_EXAMPLES/owner"
expect_said "lineInitializeEx: LINEERR_SERVICE_NOT_RUNNING"

# The conference: the list has all four calls; who is let go outlives it. Then its third party is busy: the caller goes, which leaves the
# second a call of his own, and he goes.
caller="is OFFERING ACTIVE,lineAnswer,is CONNECTED ACTIVE,lineSetupConference,is CONFERENCED,lineAddToConference,linePrepareAddToConference"
walks conference </dev/null
expect_walk conference "" \
    "$caller,lineAddToConference,lineGetConfRelatedCalls,is related,lineRemoveFromConference,lineDrop,is IDLE,lineDrop" \
    "is ONHOLDPENDCONF,is CONNECTED ACTIVE,is ONHOLDPENDCONF,is CONNECTED ACTIVE,is related,is IDLE" \
    "$dialled,is CONNECTED ACTIVE,is CONFERENCED,is related,is CONNECTED ACTIVE,is IDLE" \
    "$dialled,is CONNECTED ACTIVE,is CONFERENCED,is related,is IDLE"
walks conference <<<'dial = {"5552=busy"} linger_ms = 3600000'
expect_walk conference "" "$caller,is IDLE" \
    "is ONHOLDPENDCONF,is CONNECTED ACTIVE,is ONHOLDPENDCONF,is CONNECTED ACTIVE,is IDLE" \
    "$dialled,is CONNECTED ACTIVE,is CONFERENCED,is CONNECTED ACTIVE,is IDLE" \
    "is DIALTONE NORMAL,is DIALING,is PROCEEDING,is BUSY STATION,is IDLE"

# One that cannot be held is given up; one whose caller hangs up is cleared.
cat >"$service_folder/script" <<'END'
lines 1
on hold fail operationfailed
at 0 line 0 call 1 new offering caller 100
at 0 line 0 call 2 new offering caller 200
at 0 call 2 state disconnected normal
END
service_start "provider sim { command = \"callfan-sim\" script = \"$service_folder/script\" }"
lines_are_up 1
timeout -s KILL 60 "$CALLFAN_EXAMPLES/owner" 0 2 >"$service_folder/owner.out" 2>"$service_folder/owner.err" || fail "owner ended with $?"
[[ "|$(what owner)|" == *"|is OFFERING ACTIVE,lineAnswer,is CONNECTED ACTIVE,lineHold,is IDLE|"* ]] || fail "owner: $(what owner)"
[[ "|$(what owner)|" == *"|is OFFERING ACTIVE,lineAnswer,is DISCONNECTED NORMAL,is IDLE|"* ]] || fail "owner: $(what owner)"
grep -q "^lineHold: LINEERR_OPERATIONFAILED: " "$service_folder/owner.err" || fail "$(cat "$service_folder/owner.err")"
service_stop

# The Windows program: a monitor beside two that dial, one of them a busy number.
new_folder
service_start 'provider sim {
    command = "callfan-sim" lines = 2 rate = 0 dial_ms = 2 setup_ms = 2 answer_ms = 2 hold_ms = 100 hold = fixed dial = {"2=busy"}
}'
lines_are_up 2
name=$("$bin/callfan" lines --json | jq -r 'select(.line == 0).name')
run_aside monitor "$CALLFAN_EXAMPLES/windows_phone"
monitor=$aside_pid
wait_for 30 "the monitor" says monitor "$name: open, can dial"
timeout -s KILL 60 "$CALLFAN_EXAMPLES/windows_phone" 777 >"$service_folder/dialler.out" || fail "dialling ended with $?"
expect dialler "$name: open, can dial" "$name: dialling 777" "$name: my call is dialing" "$name: my call is connected" \
    "$name: my call is disconnected" "$name: my call is idle"
wait_for 30 "the monitor to see the end" says monitor "$name: idle"
expect monitor "$name: unknown" "$name: dialing" "$name: proceeding" "$name: ringback" "$name: connected" "$name: disconnected" "$name: idle"
timeout -s KILL 60 "$CALLFAN_EXAMPLES/windows_phone" 222 >"$service_folder/busy.out" || fail "dialling a busy number ended with $?"
expect busy "$name: my call is busy" "$name: my call is disconnected" "$name: the far end is busy" "$name: my call is idle"
wait_for 30 "no call left" status_is .totals.handles_live 0
service_stop_keeping() {
    kill -TERM "$service_pid"
    wait "$service_pid" || fail "callfand ended with $?"
    service_pid=
}
service_stop_keeping
code=0
wait "$monitor" || code=$?
[ "$code" -eq 1 ] || fail "the monitor ended with $code when the service was gone"
expect monitor "$name: closed"
service_stop

# Parties, and a structure of variable size that is asked for again; a number that is refused.
new_folder
cat >"$service_folder/script" <<'END'
lines 1
on makecall fail invaladdress
at 0 line 0 call 1 new offering caller 100 called 200 name "Ada Lovelace"
at 1 line 0 state outofservice
at 1 line 0 state inservice
at 2 call 1 state idle
END
service_start "provider sim { command = \"callfan-sim\" script = \"$service_folder/script\" }"
lines_are_up 1 # the script begins when somebody opens the line: that is to be the monitor
run_aside monitor "$CALLFAN_EXAMPLES/windows_phone"
wait_for 30 "the end of the call" says monitor "$name: idle"
expect monitor "$name: offering" "$name: from 100 to 200 (incoming)" "$name: out of service" "$name: in service" "$name: idle"
expect_code 1 timeout -s KILL 60 "$CALLFAN_EXAMPLES/windows_phone" 5
expect_said "^lineMakeCall failed: 0x80000010$"
CALLFAN_SOCKET=/nonexistent/socket expect_code 1 "$CALLFAN_EXAMPLES/windows_phone"
expect_said "^lineInitializeEx failed: 0x80000061$"
