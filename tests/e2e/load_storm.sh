#!/usr/bin/env bash
# kill -9 of providers, owners and monitors at random: every call of the dead ends once, and nothing of them is left.
# ctest-timeout: 240
source "$(dirname "$0")/common.sh"
bash "$source_root/scripts/load.sh" storm --bin "$bin" --calls-per-second "$(by_build 500 60)" --monitors 2 --kills "$(by_build 24 12)" --hold-ms 500 \
    --slack-kib "$(by_build 2048 400000)" # a sanitizer keeps what was freed
