#!/usr/bin/env bash
# The load of a whole country, in small: a rate that is held is found, calls of full length come and end, and every application's view of each is right.
# ctest-timeout: 240
source "$(dirname "$0")/common.sh"
output=$(bash "$source_root/scripts/load.sh" national --bin "$bin" --calls-per-second "$(by_build 400 60)" --seconds 2 --monitors 3 --hold-ms 1000 \
    --steps 0 --ring-kib 1024 --memory-mib "$(by_build 1500 6000)")
echo "$output"
grep -Eq ' calls live; nothing lost$' <<<"$output" || fail "something was lost"
if grep -Eq '^[0-9]+ s: .* live [1-9]' <<<"$output"; then # somebody looked while calls lived
    grep -Eq '^memory \(MiB\) with [1-9][0-9]* calls and [1-9][0-9]* handles alive: core: calls' <<<"$output" || fail "nothing of the memory by owner"
fi
[ "$(grep -c 'cancelled: holds$' <<<"$output")" -eq 3 ] || fail "not the law of three ports"
