#!/usr/bin/env bash
# Random kills of everything, stopped monitors and reloads, ended early by a signal as by ^C: all proofs, and a summary.
# ctest-timeout: 240
source "$(dirname "$0")/common.sh"
new_folder
code=0
# To a job of a script SIGINT would be nothing.
run_aside soak env --default-signal=INT bash "$source_root/scripts/load.sh" soak --bin "$bin" --seconds 3600 \
    --calls-per-second "$(by_build 500 60)" --monitors 2 --hold-ms 500 --slack-kib "$(by_build 4096 400000)"
wait_for 120 "the traffic" grep -q '^all are there' "$service_folder/soak.out" || true
pause "$(by_build 12 20)" # of troubles
kill -INT "$aside_pid"
wait "$aside_pid" || code=$?
cat "$service_folder/soak.out"
[ "$code" -eq 0 ] || fail "it ended with $code: $(cat "$service_folder/soak.err")"
grep -q '^ended early' "$service_folder/soak.out" || fail "it ended by itself"
grep -q '^service: ' "$service_folder/soak.out" || fail "no summary"
