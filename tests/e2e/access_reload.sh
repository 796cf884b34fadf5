#!/usr/bin/env bash
# The access sections change again and again in the middle of the traffic: each time the core is replaced, and monitors of a user whom
# they name lose nothing and see nothing twice. In the end they name another user.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
if [ "$(id -u)" -ne 0 ]; then
    echo "only root can become another user: skipped"
    exit 77
fi
calls=$(by_build 3000 300)
rate=$(by_build 600 60)
watcher=65534

# configuration USER HANDLES
configuration() {
    printf 'socket = "%s"\nsocket_mode = 0666\n' "$service_folder/socket"
    printf 'provider sim { command = "callfan-sim" lines = 8 rate = %d calls = %d start_ms = 1000 hold_ms = 500 accept_ms = 10 answer_ms = 20\n' \
        "$rate" "$calls"
    printf ' record = "%s" }\n' "$service_folder/record"
    printf 'access watchers { users = {"%s"} monitor = {"sim"} status = true handles = %d }\n' "$1" "$2"
}

as_watcher=(setpriv --reuid "$watcher" --regid "$watcher" --clear-groups)
made() { [ "$(status .totals.calls_made)" -ge "$1" ]; }
replaced() { [ "$(status .process.core_replacements)" -eq "$1" ]; }

new_folder
chmod 755 "$service_folder"
service_start "$(configuration $watcher 100000)"
lines_are_up 8
mkdir -m 777 "$service_folder/ready"
run_aside check "${as_watcher[@]}" "$bin/callfan" check --monitors 2 --json --ready "$service_folder/ready/monitor" --sender "$service_folder/record"
check=$aside_pid
for i in 1 2; do
    wait_for 30 "monitor $i" test -s "$service_folder/ready/monitor.$i"
done
for round in 1 2 3 4 5 6; do
    wait_for 60 "calls" made $((round * calls / 10))
    configuration $watcher $((100000 + round)) >"$service_folder/callfan.conf"
    kill -HUP "$service_pid"
    wait_for 30 "core $round" replaced "$round"
done
wait_for 60 "the end of all calls" status_is '[.totals.calls_made, .totals.calls_live] | tostring' "[$calls,0]"
kill -TERM "$check" # they read on to the end
wait "$check" || fail "the monitors found something: $(cat "$service_folder/check.out" "$service_folder/check.err")"
jq -e -s --argjson calls "$calls" 'length == 2 and all(.[]; .gaps == 0 and .missed == 0 and .same >= $calls / 2)' "$service_folder/check.out" >/dev/null ||
    fail "$(cat "$service_folder/check.out")"
wait_for 30 "the last handle" status_is .totals.handles_live 0
[ "$(status .totals.calls_ended)" -eq "$calls" ] || fail "$(status .totals.calls_ended) of $calls calls ended"
[ "$(status .process.core_restarts)" -eq 0 ] || fail "a replacement is counted as a restart"
[ "$(status .process.cold_starts)" -eq 0 ] || fail "a cold start"

# What it may see of lines that are not its own.
configuration $watcher 1000 | sed 's/{"sim"}/{"sim:0"}/' >"$service_folder/callfan.conf"
kill -HUP "$service_pid"
wait_for 30 "the core for one line" replaced 7
"${as_watcher[@]}" "$bin/callfan" lines --json | jq -e -s '[.[].in_service] == [true, null, null, null, null, null, null, null]' >/dev/null ||
    fail "lines: $("${as_watcher[@]}" "$bin/callfan" lines)"

# Taken away: who comes now is refused, and told why.
configuration 12345 1000 >"$service_folder/callfan.conf"
kill -HUP "$service_pid"
wait_for 30 "the last core" replaced 8
expect_code 3 "${as_watcher[@]}" "$bin/callfan" lines
expect_said "refused by the service at .*: user $watcher has no access: add users = "
expect_code 1 "${as_watcher[@]}" "$bin/callfan" status
expect_said "refused: user $watcher has no access"
wait_for 30 "the log" grep -q "process [0-9]* of user $watcher is refused" "$service_folder/log" || fail "the log does not tell of the refusal"
"$bin/callfan" lines >/dev/null || fail "root is refused"
