#!/usr/bin/env bash
# A monitor stands still while many calls come, and again while each of them changes: each time one exact gap, a resync, and the right state of all.
# ctest-timeout: 240
# ctest-labels: release-only
source "$(dirname "$0")/common.sh"
code=0
output=$(bash "$source_root/scripts/load.sh" resync --bin "$bin" --live "$(by_build 8000 600)" --calls-per-second "$(by_build 1000 150)" \
    --beside "$(by_build 300 30)" --seconds 1 --monitors 3 --ring-kib "$(by_build 2048 128)" --hold-ms "$(by_build 60000 90000)") || code=$?
echo "$output"
[ "$code" -eq 0 ] || fail "it ended with $code"
[ "$(grep -c '^resync [12]: RESYNC_END [0-9.]* ms after the monitor went on; ' <<<"$output")" -eq 2 ] || fail "not two resyncs told"
grep -q '^the stopped monitor: 2 gap(s), [1-9]' <<<"$output" || fail "not two gaps"
