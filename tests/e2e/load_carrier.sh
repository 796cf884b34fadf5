#!/usr/bin/env bash
# The load of a large contact centre, in small: long calls, with bursts, each as it was told at every monitor when the last has ended.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
rate=$(by_build 300 60)
output=$(bash "$source_root/scripts/load.sh" carrier --bin "$bin" --calls-per-second "$rate" --seconds 4 --monitors 3 --hold-ms 3000)
echo "$output"
calls=$((12 * rate)) # two bursts of a second, five times as many
[ "$(grep -c "^monitor [123]: nothing lost: $calls calls, $calls the same as sent, .*missed 0 in 0 gaps" <<<"$output")" -eq 3 ] || fail "not every call at each monitor"
[ "$(grep -c '^port .* cancelled: holds$' <<<"$output")" -eq 3 ] || fail "the law of three ports was not told"
