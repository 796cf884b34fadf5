#!/usr/bin/env bash
# A monitor is stopped until it is behind: one gap with the exact count, a resync, the right state of every call; the others lose nothing.
# ctest-timeout: 180
# ctest-serial
source "$(dirname "$0")/common.sh"
bash "$source_root/scripts/load.sh" stop --no-reference --bin "$bin" --monitors 3 --ring-kib "$(by_build 2048 512)" --stop-seconds 8 \
    --calls-per-second "$(by_build 1000 250)" --hold-ms 500
