#!/usr/bin/env bash
# Calls from sipp to an owner that answers and four checking monitors.
# ctest-timeout: 180
source "$(dirname "$0")/common.sh"
command -v sipp >/dev/null || exit 77
bash "$source_root/scripts/load.sh" sip --bin "$bin" --calls-per-second "$(by_build 100 20)" --seconds 4
