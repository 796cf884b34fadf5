#!/usr/bin/env bash
# Runs the deterministic simulation of the engine for long: many seeds plain, as many with crashes (some of them three times in one turn,
# so that a record is set aside), and a few with a crash at every point of every turn; rings are small and often full. Stops at
# the first disagreement and prints how to replay it.
#
#   scripts/simulate.sh [--seeds N] [--first S] [--steps M] [--jobs J] [--build DIR]
#
# 20,000 seeds in the background:  nohup nice scripts/simulate.sh --seeds 20000 --jobs 2 >simulate.log 2>&1 &
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=2000 first=1 steps=300 jobs=1 build=build/release
while [ $# -gt 0 ]; do
    case "$1" in
    --seeds) seeds=$2 ;;
    --first) first=$2 ;;
    --steps) steps=$2 ;;
    --jobs) jobs=$2 ;;
    --build) build=$2 ;;
    *)
        echo "usage: $0 [--seeds N] [--first S] [--steps M] [--jobs J] [--build DIR]" >&2
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

# In pieces, as many at a time as there are jobs. xargs ends when one of them does not end well.
pieces() { # FIRST SEEDS STEPS [OPTION]
    local from=$1 left=$2 piece
    while [ "$left" -gt 0 ]; do
        piece=$((left < 100 ? left : 100))
        echo "--first $from --seeds $piece --steps $3${4:+ $4}" # a blank at its end would join it to the next
        from=$((from + piece)) left=$((left - piece))
    done
}
{
    pieces "$first" "$seeds" "$steps"
    pieces $((first + 1000000)) "$seeds" "$steps" --crash
    pieces $((first + 2000000)) $(((seeds + 49) / 50)) 60 --walk
} | xargs -P "$jobs" -L 1 sh -c '"$0" "$@" || exit 255' "$program"
echo "simulate: $seeds seeds plain, $seeds with crashes: no disagreement"
