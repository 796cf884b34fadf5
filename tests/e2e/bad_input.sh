#!/usr/bin/env bash
# Bad input: a clear error each, and nothing else disturbed.
source "$(dirname "$0")/common.sh"

# Wrong configurations name file and line, and nothing is started.
new_folder
while read -r text; do
    printf '%b\n' "$text" >"$service_folder/wrong.conf"
    expect_code 1 "$bin/callfand" -n --config "$service_folder/wrong.conf"
    expect_said "wrong.conf:[0-9]+:"
    expect_code 1 "$bin/callfand" --config "$service_folder/wrong.conf" --socket "$service_folder/never"
    [ ! -e "$service_folder/never" ] || fail "it started with: $text"
done <<'END'
calls = many
\n\ncolour = blue
calls = -5
down_ring_bytes = 12345
provider x { command = 5
provider "a b" { command = "x" }
close_policy = "maybe"
END
expect_code 1 "$bin/callfand" -n --config "$service_folder/nowhere.conf"
expect_said "nowhere.conf"

# Its providers' sections too.
printf 'provider sim {\n command = "callfan-sim"\n rate = -1\n}\n' >"$service_folder/wrong.conf"
expect_code 1 "$bin/callfand" -n --config "$service_folder/wrong.conf"
expect_said "wrong.conf:3:"

service_start 'provider sim { command = "callfan-sim" lines = 2 rate = 0 }'
lines_are_up 2
run_aside monitor "$bin/callfan" monitor --json
monitor=$aside_pid
wait_for 30 "the monitor" status_is '[.ports[] | select(.kind == "application")] | length' 1

# A second callfand on the same socket.
expect_code 3 "$bin/callfand" --config "$service_folder/callfan.conf"
expect_said "another callfand serves"

# No socket where there is a file; a line that does not exist.
: >"$service_folder/file"
expect_code 3 "$bin/callfan" monitor --socket "$service_folder/file"
expect_code 1 "$bin/callfan" answer --line 2
expect_said "no line 2"

wait_for 30 "the end of who asked for line 2" status_is '[.ports[] | select(.kind == "application")] | length' 1
[ "$(status '.ports[] | select(.kind == "application").pid')" = "$monitor" ] || fail "the monitor was disturbed"
[ "$(status '.totals.bad_records + .process.core_restarts + .process.cold_starts')" -eq 0 ] || fail "something was counted"
