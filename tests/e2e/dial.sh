#!/usr/bin/env bash
# callfan dial: the states of a call it makes, exactly; why a call failed, in words and as exit status; many calls, at a rate and so
# many at once; its end by ^C, by time, by the service's.
# ctest-timeout: 240
source "$(dirname "$0")/common.sh"
out='' err=''

# dial CODE OPTION...: runs it to its end; what it printed is in the files $out and $err.
dial() {
    local wanted=$1 code=0
    shift
    timeout -s KILL 100 "$bin/callfan" dial "$@" >"$out" 2>"$err" </dev/null || code=$?
    [ "$code" -eq "$wanted" ] || fail "dial $* ended with $code instead of $wanted: $(cat "$out" "$err")"
}

# states_are STATE...: what the call went through, from the JSON lines.
states_are() {
    local seen
    seen=$(jq -r 'select(.message == "LINE_CALLSTATE") | "\(.state) \(.mode)" | sub(" $"; "")' "$out" | paste -sd,)
    [ "$seen" = "$*" ] || fail "instead of $* the call went through $seen"
}

err_says() {
    grep -qE "$1" "$err" || fail "instead of /$1/ it said: $(cat "$err")"
}

CALLFAN_SOCKET=/nonexistent/socket expect_code 3 "$bin/callfan" dial --line 0 555
expect_said "nobody answers at /nonexistent/socket"
service_start 'provider sim {
    command = "callfan-sim" lines = 3 rate = 0 dial_ms = 5 setup_ms = 5 answer_ms = 20 no_answer_ms = 30 hold_ms = 40 hold = fixed
    dial = {"1=busy", "2=noanswer", "3=reject", "4=badaddress", "5=unreachable"} without = {"dial"}
}
provider eternal {
    command = "callfan-sim" rate = 0 dial_ms = 5 setup_ms = 5 answer_ms = 5 hold_ms = 3600000 hold = fixed lines = 2 number = 900
    dial = {"2=noanswer"} no_answer_ms = 3600000
}'
lines_are_up 5
out=$service_folder/out err=$service_folder/err
eternal=$("$bin/callfan" lines --json | jq -s '[.[] | select(.address == "900")][0].line')
sim=$("$bin/callfan" lines --json | jq -s '[.[] | select(.address == "200")][0].line')
of_sim=() # its lines need not follow one another: both providers announce theirs at the same time
for line in $("$bin/callfan" lines --json | jq 'select(.address | startswith("20")).line'); do of_sim+=(--line "$line"); done
[ ${#of_sim[@]} -eq 6 ] || fail "not three lines of sim: ${of_sim[*]}"

# one call
dial 0 --line "$sim" --json 777
states_are "DIALING,PROCEEDING,RINGBACK,CONNECTED ACTIVE,DISCONNECTED NORMAL,IDLE"
jq -e -s --argjson line "$sim" 'all(.line == $line and .called == "777" and (.call_id | test("^[0-9a-f]{8}$")))' "$out" >/dev/null ||
    fail "the fields of its lines"
jq -e -s '.[0] | .message == "LINE_REPLY" and .result == "success" and .call' "$out" >/dev/null || fail "its first line is the reply"
jq -e -s '[.[] | .privilege // empty] == ["OWNER"]' "$out" >/dev/null || fail "it is told once that it owns the call"
err_says "^callfan dial: 1 made, 1 answered, 0 failed, in "
dial 0 --line "$sim" 777
for word in "LINE_REPLY .* success  call id [0-9a-f]{8}$" "DIALING .* -> 777" "CONNECTED    ACTIVE" "DISCONNECTED NORMAL" "IDLE"; do
    grep -qE "$word" "$out" || fail "no line with /$word/: $(cat "$out")"
done
if grep -q $'\033' "$out"; then fail "colours where no terminal is"; fi

# why it failed
dial 1 --line "$sim" --json 123
states_are "DIALING,PROCEEDING,BUSY STATION,DISCONNECTED BUSY,IDLE"
err_says "^callfan dial: call [0-9a-f]{8} to '123' on line $sim: DISCONNECTED BUSY$"
err_says "1 made, 0 answered, 1 failed \(BUSY 1\)"
dial 1 --line "$sim" --json 23
states_are "DIALING,PROCEEDING,RINGBACK,DISCONNECTED NOANSWER,IDLE"
dial 1 --line "$sim" 33
err_says "DISCONNECTED REJECT$"
dial 1 --line "$sim" 4
err_says "DISCONNECTED BADADDRESS$"
dial 1 --line "$sim" 5
err_says "DISCONNECTED UNREACHABLE$"
dial 1 --line "$sim" ""
err_says "to '' on line $sim: LINEERR_INVALADDRESS: "
dial 1 --line 77 777
err_says "there is no line 77"

# its end by itself: after --talk, by the time, by a signal
dial 0 --line "$eternal" --talk 0.02 --json 777
jq -e -s '[.[] | select(.message == "LINE_CALLSTATE") | .state] | contains(["CONNECTED"]) and .[-1] == "IDLE"' "$out" >/dev/null ||
    fail "--talk: $(cat "$out")"
dial 1 --line "$eternal" --seconds 0.2 --json 222
jq -e -s '[.[] | .state // empty] | .[0] == "DIALING" and .[-1] == "IDLE" and (contains(["CONNECTED"]) | not)' "$out" >/dev/null ||
    fail "--seconds: $(cat "$out")"
err_says "1 made, 0 answered, 0 failed, 1 dropped before an answer, in "
for signal in INT TERM; do
    run_aside "owner$signal" "$bin/callfan" dial --line "$eternal" 777
    owner=$aside_pid
    wait_for 30 "the connection" grep -q CONNECTED "$service_folder/owner$signal.out" ||
        fail "$(cat "$service_folder/owner$signal.out" "$service_folder/owner$signal.err")"
    kill -"$signal" "$owner"
    wait "$owner" || fail "dial ended with $? after SIG$signal: $(cat "$service_folder/owner$signal.err")"
    grep -q "IDLE" "$service_folder/owner$signal.out" || fail "SIG$signal: it did not wait for IDLE"
done
wait_for 30 "no call left" status_is .totals.calls_live 0

# many: from all lines in turn, at once, at a rate, without end
dial 0 "${of_sim[@]}" --count 30 --max 7 --json 777
jq -e -s '[.[] | select(.state == "IDLE")] | length == 30 and ([.[].line] | group_by(.) | map(length)) == [10, 10, 10]' "$out" >/dev/null ||
    fail "30 calls on three lines"
jq -e -s '[foreach (.[] | .state // empty) as $s (0; . + (if $s == "DIALING" then 1 elif $s == "IDLE" then -1 else 0 end))] | max <= 7' \
    "$out" >/dev/null || fail "more than 7 calls at once"
err_says "30 made, 30 answered, 0 failed, in "
err_says "from lineMakeCall to the answer: p50 "
dial 0 --line "$sim" --count 100 --rate 500 --quiet 777
[ ! -s "$out" ] || fail "--quiet: $(head -n 3 "$out")"
err_says "100 made, 100 answered, 0 failed, in "
# Calls that end while our lineDrop is on its way: of its reply nothing is said.
dial 0 --line "$sim" --count 100 --rate 500 --talk 0.04 --json 777
jq -e -s '[.[] | select(.message == "LINE_REPLY")] | length >= 100 and all(.result == "success" and .call)' "$out" >/dev/null ||
    fail "replies of calls that are over: $(jq -c 'select(.message == "LINE_REPLY" and .result != "success")' "$out" | head -n 3)"
dial 1 --line "$sim" --count 25 --max 25 --quiet 1
[ "$(grep -c "DISCONNECTED BUSY" "$err")" -eq 10 ] || fail "it complains ten times: $(cat "$err")"
err_says "25 made, 0 answered, 25 failed \(BUSY 25\)"
run_aside endless "$bin/callfan" dial --line "$sim" --count 0 --rate 200 --talk 0 777
endless=$aside_pid
answered() { [ "$(grep -c CONNECTED "$service_folder/endless.out")" -gt "$1" ]; }
wait_for 30 "answers without end" answered 40
kill -INT "$endless"
wait "$endless" || fail "--count 0 ended with $?: $(cat "$service_folder/endless.err")"
grep -qE "[0-9]+ made, [0-9]+ answered, 0 failed, " "$service_folder/endless.err" || fail "$(cat "$service_folder/endless.err")"
run_aside slow "$bin/callfan" dial --line "$eternal" --count 5 --rate 0.001 777
slow=$aside_pid
wait_for 30 "the first of five" grep -q CONNECTED "$service_folder/slow.out"
kill -INT "$slow"
wait "$slow" || fail "dial --rate 0.001 ended with $?"
grep -q "1 made, 1 answered, 0 failed, 4 not made, in " "$service_folder/slow.err" || fail "$(cat "$service_folder/slow.err")"
# It ends when nobody reads what it has to say, of which there is always more.
timeout -s KILL 60 "$bin/callfan" dial --line "$sim" --count 0 777 2>"$err" | head -n 3 >/dev/null || true
err_says "[0-9]+ made, [0-9]+ answered, 0 failed"

# wrong use
for wrong in "777" "--line $sim" "--line $sim 1 2" "--line $sim --rate 0 1" "--line $sim --rate x 1" "--line $sim --rate 1e9 1" \
    "--line $sim --max 10001 --count 20000 1" "--line $sim --talk -1 1"; do
    # shellcheck disable=SC2086
    expect_code 2 "$bin/callfan" dial $wrong
done

# the provider and then the service go away
wait_for 30 "no call left" status_is .totals.calls_live 0
run_aside cut "$bin/callfan" dial --line "$eternal" --count 3 --max 3 222
cut=$aside_pid
ringing() { [ "$(grep -c RINGBACK "$service_folder/cut.out")" -eq 3 ]; }
wait_for 30 "three calls that ring" ringing
kill -KILL "$("$bin/callfan" status --json | jq '.providers[] | select(.name == "eternal").pid')"
code=0
wait "$cut" || code=$?
[ "$code" -eq 1 ] || fail "dial ended with $code after its provider died"
grep -q "3 made, 0 answered, 3 failed" "$service_folder/cut.err" || fail "its provider died: $(cat "$service_folder/cut.err")"
run_aside last "$bin/callfan" dial --line "$sim" --count 0 --max 5 777
last=$aside_pid
wait_for 30 "an answer" grep -q CONNECTED "$service_folder/last.out"
kill -TERM "$service_pid"
wait "$service_pid" || fail "callfand ended with $?"
service_pid=
code=0
wait "$last" || code=$?
[ "$code" -eq 3 ] || fail "dial ended with $code after the service went"
grep -q "the service at .* went away" "$service_folder/last.err" || fail "$(cat "$service_folder/last.err")"

# what the network said
service_stop
new_folder
out=$service_folder/out err=$service_folder/err
{
    echo "lines 1"
    echo "on makecall ok call 5"
    for second in 1 10 22; do # the first one that comes after the call counts, and the call is over long before the next
        echo "at $second call 5 state disconnected busy cause \"SIP 486\""
    done
} >"$service_folder/script"
service_start "provider sim { command = \"callfan-sim\" script = \"$service_folder/script\" }"
lines_are_up 1
"$bin/callfan" lines >/dev/null # opens the line: the script begins, and what it says of makecall holds
dial 1 --line 0 --json 777
states_are "DIALING,DISCONNECTED BUSY,IDLE"
err_says "^callfan dial: call [0-9a-f]{8} to '777' on line 0: DISCONNECTED BUSY, cause SIP 486$"
