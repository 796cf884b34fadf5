#!/usr/bin/env bash
# What real providers and applications send, recorded from a running service (as the seeds in tests/corpus were), is played again to an
# engine by the fuzz targets' own entries, and breaks nothing there.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
tests=$(dirname "$bin")/tests

service_start 'providers = 2
provider sim { command = "callfan-sim" lines = 3 rate = 20 hold_ms = 200 accept_ms = 5 answer_ms = 10 busy = 0.2 no_answer = 0.2 no_answer_ms = 60
    when = open answer = owner }
provider eternal { command = "callfan-sim" lines = 2 number = 900 rate = 0 dial_ms = 5 setup_ms = 5 answer_ms = 5 hold_ms = 300 }'
lines_are_up 5
if ! { : <"/proc/$service_pid/mem"; } 2>/dev/null; then
    echo "this user may not look into another process: nothing can be recorded" >&2
    exit 77
fi
own=$("$bin/callfan" lines --json | jq -s '[.[] | select(.address == "900")][0].line')
run_aside said "$tests/e2e/record_rings" "$service_pid" 60 "$service_folder/record" 900
recorder=$aside_pid
run_aside monitor "$bin/callfan" monitor
run_aside owner "$bin/callfan" answer
"$bin/callfan" dial --line "$own" 5551234 >/dev/null 2>&1 </dev/null || true
wait $recorder || fail "nothing was recorded: $(cat "$service_folder/said.out")"
records=$(awk '{print $1}' "$service_folder/said.out")
[ "$records" -ge 50 ] || fail "only $records records"
for target in provider_records requests; do
    "$tests/fuzz_$target" --variations 2 "$service_folder/record" || fail "fuzz_$target does not survive what was recorded"
done
