#!/usr/bin/env bash
# The core is killed under the load of long calls: nothing is lost or doubled, and each monitor's silence is told.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
code=0
output=$(bash "$source_root/scripts/load.sh" carrier --bin "$bin" --calls-per-second "$(by_build 300 60)" --seconds 9 --monitors 3 --hold-ms 3000 \
    --kill-core 2) || code=$?
echo "$output"
[ "$code" -eq 0 ] || fail "it ended with $code"
[ "$(grep -Ec '^core: kill [12]: longest silence of each monitor [0-9.]+, [0-9.]+, [0-9.]+ ms; ' <<<"$output")" -eq 2 ] || fail "not two kills told"
