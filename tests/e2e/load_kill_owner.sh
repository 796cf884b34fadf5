#!/usr/bin/env bash
# kill -9 of the owner again and again in the middle of the traffic.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
KILL_WHAT=owner bash "$source_root/scripts/load.sh" kill --bin "$bin" --calls-per-second "$(by_build 800 100)" --seconds 5 --kill-every 1 \
    --hold-ms 500
