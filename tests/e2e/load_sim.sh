#!/usr/bin/env bash
# Simulated traffic to four checking monitors: nothing is lost.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
bash "$source_root/scripts/load.sh" sim --bin "$bin" --calls-per-second "$(by_build 1500 150)" --seconds "$(by_build 4 3)" --hold-ms 700
