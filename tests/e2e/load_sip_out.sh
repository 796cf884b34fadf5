#!/usr/bin/env bash
# Calls of callfan dial to sipp, and four checking monitors.
# ctest-timeout: 180
source "$(dirname "$0")/sip_common.sh"
sip_knows peer || exit 77
bash "$source_root/scripts/load.sh" sip-out --bin "$bin" --calls-per-second "$(by_build 100 20)" --seconds 4
