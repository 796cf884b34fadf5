#!/usr/bin/env bash
# Runs the deterministic simulation of the engine for long: many seeds plain, with crashes, and a few with a crash at
# every point of every turn. Stops at the first disagreement and prints how to replay it.
#
#   scripts/simulate.sh [--seeds N] [--first S] [--steps M] [--build DIR]
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=2000 first=1 steps=300 build=build/release
while [ $# -gt 0 ]; do
    case "$1" in
    --seeds) seeds=$2 ;;
    --first) first=$2 ;;
    --steps) steps=$2 ;;
    --build) build=$2 ;;
    *)
        echo "usage: $0 [--seeds N] [--first S] [--steps M] [--build DIR]" >&2
        exit 2
        ;;
    esac
    shift 2
done

if [ ! -f "$build/CMakeCache.txt" ]; then
    cmake -G Ninja -B "$build" -DCMAKE_BUILD_TYPE=Release
fi
cmake --build "$build" --target sim_engine
program=$build/tests/sim_engine
unset CF_SIM_SEEDS
"$program" --seeds "$seeds" --first "$first" --steps "$steps"
"$program" --seeds "$seeds" --first $((first + 1000000)) --steps "$steps" --crash
"$program" --seeds $(((seeds + 49) / 50)) --first $((first + 2000000)) --steps 60 --walk
