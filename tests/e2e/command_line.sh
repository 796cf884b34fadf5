#!/usr/bin/env bash
# The tool's command line: help, wrong use, no service, exit codes, JSON that is JSON.
source "$(dirname "$0")/common.sh"
export CALLFAN_SOCKET=/nonexistent/callfan.sock
for command in monitor answer lines calls status doctor check; do
    expect_code 0 "$bin/callfan" $command --help
    grep -q "usage: callfan $command" <<<"$("$bin/callfan" $command --help)" || fail "$command --help"
    expect_code 2 "$bin/callfan" $command --no-such-option
    expect_said "unknown option '--no-such-option'"
    expect_code 3 "$bin/callfan" $command
    expect_said "nobody answers at /nonexistent/callfan.sock.*start callfand"
    expect_code 3 "$bin/callfan" $command --socket /nonexistent/other
    expect_said "/nonexistent/other"
done
expect_code 0 "$bin/callfan" dial --help
expect_code 2 "$bin/callfan" monitor 1
expect_said "'1' is one argument too many"
expect_code 0 "$bin/callfan" --help
expect_code 0 "$bin/callfan" --version
expect_code 2 "$bin/callfan"
expect_code 2 "$bin/callfan" juggle
expect_said "unknown command 'juggle'"
expect_code 2 "$bin/callfan" monitor --line x
expect_code 2 "$bin/callfan" monitor --line 5-2
expect_code 2 "$bin/callfan" monitor --count
expect_code 2 "$bin/callfan" monitor --count -1
expect_code 2 "$bin/callfan" monitor --seconds soon
expect_code 2 "$bin/callfan" monitor --json=yes
expect_code 2 "$bin/callfan" check --states RINGING
expect_code 2 "$bin/callfan" check --monitors 0

service_start 'provider sim { command = "callfan-sim" lines = 3 rate = 50 answer_ms = 50 accept_ms = 20 hold_ms = 200 }'
lines_are_up 3
expect_code 1 "$bin/callfan" monitor --line 3
expect_said "no line 3"
expect_code 1 "$bin/callfan" answer --line 99999
expect_said "no line 99999"
[ "$("$bin/callfan" lines --json | jq -s 'length')" -eq 3 ] || fail "lines --json"
[ "$("$bin/callfan" lines | wc -l)" -eq 4 ] || fail "lines"
[ "$("$bin/callfan" status --json | jq .totals.lines)" -eq 3 ] || fail "status --json"
grep -q "^ *1 provider    sim" <<<"$("$bin/callfan" status)" || fail "status"
grep -q "^checked  *calls .*damages 0" <<<"$("$bin/callfan" doctor)" || fail "doctor"
[ "$("$bin/callfan" doctor --full --json | jq -c '[.checked.full, .checked.sums, .checked.lines, .healthy]')" = '[true,true,3,true]' ] ||
    fail "doctor --full --json"

"$bin/callfan" monitor --json --count 60 >"$service_folder/out" 2>"$service_folder/err"
[ "$(jq -s length "$service_folder/out")" -eq 60 ] || fail "monitor --json --count 60"
jq -e -s 'all(.seq and .time_ns and .message) and ([.[].seq] == [range(1; 61)])' "$service_folder/out" >/dev/null || fail "its fields"
jq -e -s '[.[] | select(.message == "LINE_CALLSTATE")] | length > 0 and all(.call and .state and .caller and .called and .line != null)' \
    "$service_folder/out" >/dev/null || fail "its fields of calls"
grep -q "60 messages in .* 0 missed in 0 gaps" "$service_folder/err" || fail "the summary"
grep -q "latency, provider to here: p50 " "$service_folder/err" || fail "the latency"
"$bin/callfan" monitor --line 1 --count 10 >"$service_folder/out" 2>/dev/null
[ "$(wc -l <"$service_folder/out")" -eq 10 ] || fail "monitor --count 10"
if grep -v "line 1 " "$service_folder/out"; then fail "another line"; fi
if grep -q $'\033' "$service_folder/out"; then fail "colours where no terminal is"; fi
"$bin/callfan" monitor --seconds 0.3 >/dev/null 2>&1 || fail "monitor --seconds"
# Without descriptors of its own it does not print into its socket; what cannot be written is said.
"$bin/callfan" monitor --count 5 >&- 2>&- <&- || fail "monitor without standard output ended with $?"
for command in "lines" "calls" "status" "monitor --count 5" "--help"; do
    code=0
    # shellcheck disable=SC2086
    "$bin/callfan" $command >/dev/full 2>"$service_folder/err" || code=$?
    [ "$code" -eq 1 ] || fail "'$command' ended with $code when the disk was full"
    grep -q "^callfan: standard output cannot be written$" "$service_folder/err" || fail "$command: $(cat "$service_folder/err")"
done
"$bin/callfan" monitor 2>/dev/null | head -n 5 >/dev/null # ends when nobody reads
run_aside watcher "$bin/callfan" monitor
live_calls() {
    [ "$("$bin/callfan" calls --json | jq -s length)" -gt 0 ]
}
wait_for 30 "a live call" live_calls
"$bin/callfan" calls --line 0-2 >/dev/null
