#!/usr/bin/env bash
# The load of a large contact centre, in small: calls that live on when the traffic ends are over once at every monitor.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
output=$(bash "$source_root/scripts/load.sh" carrier --bin "$bin" --calls-per-second "$(by_build 300 60)" --seconds 4 --monitors 3 --hold-ms 3000)
echo "$output"
grep -Eq ', [1-9][0-9]* cut' <<<"$output" || fail "no call lived on"
