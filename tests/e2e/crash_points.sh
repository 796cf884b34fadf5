#!/usr/bin/env bash
# The core crashes at the n-th touch, output, commit or publish, for many n: nothing is lost or doubled, handles stay valid.
# ctest-timeout: 300
source "$(dirname "$0")/common.sh"
calls=$(by_build 60 30)

ready() {
    [ -s "$service_folder/ready.1" ] && [ -s "$service_folder/ready.2" ]
}

traffic_has_ended() {
    status_is '[.totals.calls_made + .totals.calls_refused, .totals.calls_live] | tostring' "[$calls,0]"
}

one() { # POINT N
    local check owner code=0 restarts
    new_folder
    mkdir "$service_folder/record"
    service_start "provider sim {
        command = \"callfan-sim\" lines = 2 rate = 400 arrivals = regular calls = $calls answer = owner
        accept_ms = 5 answer_ms = 5 hold_ms = 20 hold = fixed linger_ms = 5 start_ms = 300 record = \"$service_folder/record/1\"
    }" --crash-at "$1:$2"
    lines_are_up 2
    run_aside check "$bin/callfan" check --sender "$service_folder/record" --monitors 2 --ready "$service_folder/ready"
    check=$aside_pid
    wait_for 30 "the monitors" ready
    run_aside owner "$bin/callfan" answer --existing # on a slow machine calls may have come before it
    owner=$aside_pid
    wait_for 60 "$1:$2: the end of $calls calls" traffic_has_ended
    kill -TERM "$check" "$owner"
    wait "$owner" || code=$?
    [ "$code" -eq 0 ] || fail "$1:$2: the owner ended with $code: $(cat "$service_folder/owner.err")"
    wait "$check" || code=$?
    [ "$code" -eq 0 ] || fail "$1:$2: the monitors ended with $code: $(cat "$service_folder/check.out" "$service_folder/check.err")"
    restarts=$(status .process.core_restarts)
    crashes=$((crashes + restarts))
    [ "$restarts" -le 1 ] || fail "$1:$2: the core was restarted $restarts times"
    [ "$(status .process.cold_starts)" -eq 0 ] || fail "$1:$2: cold start"
    wait_for 30 "no call and no handle" status_is '[.totals.calls_live, .totals.handles_live] | tostring' '[0,0]'
    service_stop || fail "$1:$2: callfand did not end well"
}

crashes=0
for n in $(by_build "1 30 200 1000 3000" "200 1500"); do one touch "$n"; done
for n in $(by_build "1 20 100 300 700" "100"); do one output "$n"; done
for n in $(by_build "1 20 100 300" "100"); do one commit "$n"; done
for n in $(by_build "1 20 100 300" "100"); do one publish "$n"; done
echo "$crashes crashes of the core"
[ "$crashes" -gt 0 ] || fail "the core never crashed"
