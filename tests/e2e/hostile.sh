#!/usr/bin/env bash
# Every behaviour of a hostile application, every mode of a rogue provider, in turn beside traffic to good monitors: these lose nothing, the
# core goes on, nothing is left over. The long run is scripts/hostile.sh.
#
# ctest-args: scribble records double-read sleeping liar punch churn hoard slow requests nonblock drain fault watch connect fork stop
# ctest-args: rogue-flood rogue-reorder rogue-invent rogue-reuse rogue-lines rogue-deaf rogue-replies rogue-states rogue-huge rogue-endless rogue-half
# ctest-timeout: 240
source "$(dirname "$0")/common.sh"
arguments=()
for name in "$@"; do
    arguments+=(--behaviour "$name")
done
bash "$source_root/scripts/hostile.sh" --bin "$bin" --no-reference --together --seconds 1 --monitors "$(by_build 4 2)" \
    --rate "$(by_build 500 60)" "${arguments[@]}"
