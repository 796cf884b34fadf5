#!/usr/bin/env bash
# callfan hold and unhold: a call of another owner is put on hold and retrieved; what is said when that cannot be; and that nobody's
# call is hung up by it: neither with another owner, nor with a monitor alone, nor with nobody else at all.
# ctest-timeout: 240
source "$(dirname "$0")/common.sh"

# states_of NAME: what the owner or monitor of that name saw.
states_of() {
    lines_of "$service_folder/$1.out" | jq -r 'select(.message == "LINE_CALLSTATE") | .state' | paste -sd,
}

saw() { [[ "$(states_of "$1")" == *"$2" ]]; }
saw_only() { [ "$(states_of "$1")" = "$2" ]; }

# asks PID: its request is with the provider.
asks() { status_is ".ports[] | select(.pid == $1) | .requests_outstanding" 1; }

monitors() { status_is '[.ports[] | select(.name == "callfan monitor").open_lines] | add' 1; }

call_is() {
    [ "$("$bin/callfan" calls --json | jq -r "select(.call_id == \"$1\") | \"\(.state) \(.owners)\"")" = "$2" ]
}

# owner NAME LINE: an owner whose call is connected; its process is in $owner, the call's name in $call.
start_owner() {
    run_aside "$1" "$bin/callfan" dial --line "$2" --json 777
    owner=$aside_pid
    wait_for 30 "$1's connection" saw "$1" CONNECTED
    call=$(lines_of "$service_folder/$1.out" | jq -r 'select(.message == "LINE_REPLY").call_id')
}

for command in hold unhold; do
    expect_code 0 "$bin/callfan" $command --help
    expect_code 2 "$bin/callfan" $command
    expect_said "CALL is missing"
    expect_code 2 "$bin/callfan" $command 12 4g
    expect_said "'4g' is no call id"
    expect_code 2 "$bin/callfan" $command 123456789
    CALLFAN_SOCKET=/nonexistent/socket expect_code 3 "$bin/callfan" $command 1
    expect_said "nobody answers at /nonexistent/socket"
done

service_start 'provider_hang_seconds = 0
provider sim {
    command = "callfan-sim" lines = 3 rate = 0 dial_ms = 2 setup_ms = 2 answer_ms = 2 hold_ms = 3600000 hold = fixed
    dial = {"2=noanswer"} no_answer_ms = 3600000
}'
lines_are_up 3

# Another application's call, which stays its own.
start_owner first 1
[ "$("$bin/callfan" hold "$call")" = "line 1  call $call  ONHOLD" ] || fail "hold does not say what it did"
wait_for 30 "the owner to be told" saw first CONNECTED,ONHOLD
wait_for 30 "after hold" call_is "$call" "ONHOLD 1"
expect_code 1 "$bin/callfan" hold "$call"
expect_said "^callfan hold: call $call on line 1: it is ONHOLD: only a call that is CONNECTED can be put on hold$"
[ "$("$bin/callfan" unhold --json --line 0-1 "0x$call")" = \
    "{\"line\":1,\"call_id\":\"$call\",\"state\":\"CONNECTED\",\"mode\":\"ACTIVE\"}" ] || fail "unhold --json"
wait_for 30 "the owner to be told" saw first CONNECTED,ONHOLD,CONNECTED
expect_code 1 "$bin/callfan" unhold "$call"
expect_said "it is CONNECTED: only a call that is on hold can be retrieved$"
expect_code 1 "$bin/callfan" hold --line 2 "$call"
expect_said "call $call: there is no such call; 'callfan calls' lists them"
expect_code 1 "$bin/callfan" hold --line 99 "$call"
expect_said "no line 99"

# Several at once; one that fails does not stop the others.
first_call=$call
start_owner second 2
expect_code 1 "$bin/callfan" hold "$first_call" ffffffff "$call" "$call"
[ "$said" = "callfan hold: call ffffffff: there is no such call; 'callfan calls' lists them" ] || fail "one complaint: $said"
wait_for 30 "the first on hold" saw first ONHOLD
wait_for 30 "the second on hold" saw second ONHOLD
[ "$("$bin/callfan" unhold "$first_call" "$call" | wc -l)" -eq 2 ] || fail "two lines for two calls"
wait_for 30 "the owner to be told of everything" saw_only first "DIALING,PROCEEDING,RINGBACK,CONNECTED,ONHOLD,CONNECTED,ONHOLD,CONNECTED" ||
    fail "$(states_of first)"

# A call that rings is none to hold.
run_aside ringing "$bin/callfan" dial --line 0 --json 222
ringing=$aside_pid
wait_for 30 "ringing" saw ringing RINGBACK
expect_code 1 "$bin/callfan" hold "$(lines_of "$service_folder/ringing.out" | jq -r 'select(.message == "LINE_REPLY").call_id')"
expect_said "it is RINGBACK: only a call that is CONNECTED can be put on hold"
kill -INT "$ringing"
wait "$ringing" || true

# --keep: it stays an owner, and the call outlives the others.
run_aside keeper "$bin/callfan" hold --keep --json "$call"
keeper=$aside_pid
wait_for 30 "the call on hold" grep -q ONHOLD "$service_folder/keeper.out"
wait_for 30 "after hold --keep" call_is "$call" "ONHOLD 2"
kill -KILL "$owner"
wait_for 30 "one owner" call_is "$call" "ONHOLD 1"
kill -0 "$keeper" || fail "hold --keep has ended: $(cat "$service_folder/keeper.err")"
"$bin/callfan" unhold "$call" >/dev/null
wait_for 30 "its keeper to be told" grep -q CONNECTED "$service_folder/keeper.out"
"$bin/callfan" drop "$call" >/dev/null
wait "$keeper" || fail "hold --keep ended with $? after its call: $(cat "$service_folder/keeper.err")"
[ "$(jq -r .state "$service_folder/keeper.out" | paste -sd,)" = "ONHOLD,CONNECTED,IDLE" ] || fail "$(cat "$service_folder/keeper.out")"

# ^C gives the last handle of all back, and with it goes the call.
start_owner third 2
run_aside last "$bin/callfan" hold --keep "$call"
keeper=$aside_pid
wait_for 30 "the call on hold" grep -q ONHOLD "$service_folder/last.out"
kill -KILL "$owner"
wait_for 30 "the keeper alone" call_is "$call" "ONHOLD 1"
kill -INT "$keeper"
wait "$keeper" || fail "hold --keep ended with $? after ^C"
wait_for 30 "one call left" status_is .totals.calls_live 1

# Who asked dies before the reply (the exchange sleeps): the call goes on, with its owner.
exchange=$(status '.providers[] | select(.name == "sim").pid')
kill -STOP "$exchange"
run_aside hasty "$bin/callfan" hold --timeout 1000 "$first_call"
wait_for 30 "who asks" asks "$aside_pid"
wait_for 30 "two owners of the first" call_is "$first_call" "CONNECTED 2"
kill -KILL "$aside_pid"
wait_for 30 "one owner of the first" call_is "$first_call" "CONNECTED 1"
kill -CONT "$exchange"
wait_for 30 "the first on hold once more" call_is "$first_call" "ONHOLD 1"
"$bin/callfan" unhold "$first_call" >/dev/null || fail "the reply to somebody who had died hung up"

# The owner dies while the hold is under way (the exchange sleeps): a call that nobody else has is not hung up. It stays until a
# monitor comes, and then lives on without an owner.
start_owner fourth 2
kill -STOP "$exchange"
run_aside alone "$bin/callfan" hold --timeout 1000 "$call"
alone=$aside_pid
wait_for 30 "who asks" asks "$alone"
wait_for 30 "two owners" call_is "$call" "CONNECTED 2"
kill -KILL "$owner"
wait_for 30 "one owner of the call that is to be held" call_is "$call" "CONNECTED 1"
kill -CONT "$exchange"
wait_for 30 "it to stay" grep -q "call $call on line 2: nobody else has it" "$service_folder/alone.err"
[ "$(cat "$service_folder/alone.out")" = "line 2  call $call  ONHOLD" ] || fail "$(cat "$service_folder/alone.out")"
run_aside watcher "$bin/callfan" monitor --existing --json --line 2
watcher=$aside_pid
wait "$alone" || fail "hold ended with $? when a monitor had come: $(cat "$service_folder/alone.err")"
wait_for 30 "with a monitor alone" call_is "$call" "ONHOLD 0"
"$bin/callfan" unhold "$call" >/dev/null
wait_for 30 "retrieved with a monitor alone" call_is "$call" "CONNECTED 0"
[ "$("$bin/callfan" drop "$call")" = "line 2  call $call  IDLE" ] || fail "drop"
wait_for 30 "the monitor to see the end" saw watcher CONNECTED,IDLE
kill -TERM "$watcher"
[ "$("$bin/callfan" drop "$first_call")" = "line 1  call $first_call  IDLE" ] || fail "drop of the first"
wait_for 30 "no call left" status_is .totals.calls_live 0
service_stop

# A line that cannot hold, one that never answers, a call that ends meanwhile.
new_folder
cat >"$service_folder/script" <<'END'
lines 2
at 0 on hold fail operationunavail
at 0 on unhold ignore
at 0 line 0 call 1 new connected active caller 100
at 0 line 0 call 2 new onhold caller 200
at 0 line 0 call 3 new onhold caller 300
END
service_start "provider sim { command = \"callfan-sim\" script = \"$service_folder/script\" }"
lines_are_up 2
run_aside watcher "$bin/callfan" monitor --line 0 --json
wait_for 30 "the monitor" monitors # before anybody else opens the line: that is when the exchange begins
three() { [ "$("$bin/callfan" calls --json | jq -s length)" -eq 3 ]; }
wait_for 30 "three calls" three
id_of() { "$bin/callfan" calls --json | jq -r "select(.caller == \"$1\").call_id"; }
expect_code 1 "$bin/callfan" hold "$(id_of 100)"
expect_said "on line 0: lineHold: LINEERR_OPERATIONUNAVAIL: "
expect_code 1 "$bin/callfan" unhold --timeout 0.1 "$(id_of 200)"
expect_said "on line 0: no reply in time; it is ONHOLD$"
run_aside waits "$bin/callfan" unhold --timeout 1000 "$(id_of 200)"
waits=$aside_pid
wait_for 30 "who asks" asks "$waits"
wait_for 30 "an owner" call_is "$(id_of 200)" "ONHOLD 1"
"$bin/callfan" drop "$(id_of 200)" >/dev/null
code=0
wait "$waits" || code=$?
[ "$code" -eq 1 ] || fail "unhold of a call that ended: $code"
grep -q "on line 0: it has ended$" "$service_folder/waits.err" || fail "$(cat "$service_folder/waits.err")"
run_aside waits "$bin/callfan" unhold --timeout 1000 "$(id_of 100)"
wait "$aside_pid" && fail "unhold of a call that is not on hold"

# ^C while it waits; the end of its line.
wait_for 30 "no owner left" call_is "$(id_of 100)" "CONNECTED 0"
held=$(id_of 300)
for end in INT line; do
    run_aside waits "$bin/callfan" unhold --timeout 1000 "$held"
    waits=$aside_pid
    wait_for 30 "who asks" asks "$waits"
    wait_for 30 "an owner" call_is "$held" "ONHOLD 1"
    if [ $end = INT ]; then
        kill -INT "$waits"
    else
        kill -KILL "$(status '.providers[] | select(.name == "sim").pid')"
    fi
    code=0
    wait "$waits" || code=$?
    [ "$code" -eq 1 ] || fail "unhold ended with $code: $end"
    case $end in
    INT) text="stopped before it was done" ;;
    *) text="lineUnhold: LINEERR_OPERATIONFAILED: .*|the line was closed|it has ended" ;;
    esac
    grep -qE "call $held on line 0: ($text)$" "$service_folder/waits.err" || fail "$end: $(cat "$service_folder/waits.err")"
done
