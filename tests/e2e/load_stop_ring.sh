#!/usr/bin/env bash
# A monitor is stopped for no longer than its ring has room for: nothing is lost, and there is no gap.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
bash "$source_root/scripts/load.sh" stop --no-reference --bin "$bin" --monitors 2 --ring-kib 8192 --stop-seconds 2 --stops 2 --expect-gaps 0 \
    --calls-per-second "$(by_build 1000 200)" --hold-ms 500
