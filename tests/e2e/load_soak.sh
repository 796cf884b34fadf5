#!/usr/bin/env bash
# Random kills of everything, stopped monitors and reloads, ended early by a signal as by ^C: all proofs, and a summary.
# ctest-timeout: 240
source "$(dirname "$0")/common.sh"
new_folder
code=0
# By timeout: to a job of a script SIGINT would be nothing.
timeout --foreground --preserve-status -s INT "$(by_build 15 30)" bash "$source_root/scripts/load.sh" soak --bin "$bin" --seconds 3600 \
    --calls-per-second "$(by_build 500 60)" --monitors 2 --hold-ms 500 --slack-kib "$(by_build 4096 400000)" >"$service_folder/soak" || code=$?
cat "$service_folder/soak"
[ "$code" -eq 0 ] || fail "it ended with $code"
grep -q '^ended early' "$service_folder/soak" || fail "it ended by itself"
grep -q '^service: ' "$service_folder/soak" || fail "no summary"
