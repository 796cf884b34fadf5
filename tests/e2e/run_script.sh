#!/usr/bin/env bash
# scripts/run.sh: plain lines where no terminal is, an end by itself, a summary, and nothing left running.
# ctest-serial
source "$(dirname "$0")/common.sh"
new_folder
code=0
timeout -s KILL 100 bash "$source_root/scripts/run.sh" --bin "$bin" --no-install --seconds 10 >"$service_folder/out" 2>"$service_folder/err" ||
    code=$?
[ "$code" -eq 0 ] || fail "it ended with $code: $(cat "$service_folder/err")"
grep -q "CONNECTED" "$service_folder/out" || fail "no call was shown: $(tail -n 5 "$service_folder/out" "$service_folder/err")"
if grep -q $'\033' "$service_folder/out"; then fail "colours where no terminal is"; fi
grep -qE "calls \([0-9]+ ended\), [0-9]+ messages in .* missed in 0 gaps" "$service_folder/err" || fail "no summary"
grep -q "latency" "$service_folder/err" || fail "no latency"
socket=$(sed -n 's/^  export CALLFAN_SOCKET=//p' "$service_folder/err")
expect_code 3 "$bin/callfan" status --socket "$socket"
