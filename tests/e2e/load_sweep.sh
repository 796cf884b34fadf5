#!/usr/bin/env bash
# An application with a handle of every live call closes its lines and leaves, twice: its handles are swept, and the monitors miss nothing.
# ctest-timeout: 240
# ctest-labels: release-only
source "$(dirname "$0")/common.sh"
code=0
output=$(bash "$source_root/scripts/load.sh" sweep --bin "$bin" --live "$(by_build 4000 300)" --calls-per-second "$(by_build 2000 60)" --monitors 2 \
    --seconds 1 --closes 2 --beside "$(by_build 100 20)" --hold-ms 20000) || code=$?
echo "$output"
[ "$code" -eq 0 ] || fail "it ended with $code"
[ "$(grep -c ': nothing lost: ' <<<"$output")" -eq 2 ] || fail "not two monitors that have lost nothing"
awk -v least="$(by_build 4000 300)" '/^close [12]: / { n += $3 >= least } END { exit n != 2 }' <<<"$output" || fail "not two closes with handles of all calls"
grep -q '^sweep: p99 meanwhile against before: [0-9.]*, [0-9.]*; in the middle [0-9.]*$' <<<"$output" || fail "no ratio"
