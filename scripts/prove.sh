#!/usr/bin/env bash
# Runs the proofs: every spin model in tests/models exhaustively, and every one of its mutants, which must be found; then the explorers
# of interleavings over the real code (tests/model_explore_*.c), with more delays than ctest gives them.
#
# A model says in its first comment how it is run, each on a line of its own:
#     prove: -DPART        no error may be found, in a search that is complete
#     mutant: -DERROR ...  an error planted: one must be found
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: scripts/prove.sh [--models] [--model NAME] [--short] [--build DIR] [--more N] [--memory MB]

  --models      the spin models only, not the explorers
  --model NAME  this model only
  --short       without the runs that a model marks as long
  --build DIR   where the explorers are built (build/release)
  --more N      delays of the explorers beyond those of ctest (1)
  --memory MB   of one search (4000)
Exit status: 0 when everything holds, every search was complete and every mutant was found; 77 without spin.
END
}

models_only= only= short= build=build/release more=1 memory=4000
while [ $# -gt 0 ]; do
    case $1 in
    --models) models_only=yes ;;
    --short) short=yes ;;
    --model | --build | --more | --memory)
        if [ $# -lt 2 ]; then usage >&2; exit 2; fi
        case $1 in
        --model) only=$2 models_only=yes ;;
        --build) build=$2 ;;
        --more) more=$2 ;;
        --memory) memory=$2 ;;
        esac
        shift
        ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

if ! command -v spin >/dev/null; then
    echo "prove.sh: spin is not installed (scripts/deps.sh installs it)" >&2
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# search MODEL DEFINITIONS...: leaves pan's output in $folder/out; prints states stored.
search() {
    local model=$1
    shift
    (
        cd "$folder"
        rm -f pan pan.* ./*.trail out
        spin -a "$@" "$model" >spin.out 2>&1 || { cat spin.out; exit 1; }
        cc -O1 -w -DSAFETY -DCOLLAPSE "-DMEMLIM=$memory" -o pan pan.c
        ./pan -m200000 -w22 >out 2>&1 || true
    )
    sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$folder/out" | head -n 1
}

errors_of() {
    sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$folder/out"
}

fail() {
    failures=$((failures + 1))
    echo "FAILED $*"
    cp "$folder/out" "$folder/failed.$failures"
    tail -n 20 "$folder/failed.$failures" | sed 's/^/    /'
}

run_model() {
    local model=$1 name kind words states line
    name=$(basename "$model" .pml)
    while read -r line; do
        kind=${line%%:*}
        words=${line#*:}
        words=$(sed 's/  .*//; s/^ *//' <<<"$words ") # what follows two spaces says what the mutant is
        if [ -n "$short" ] && grep -q -- '(long)' <<<"$line"; then continue; fi
        # shellcheck disable=SC2086
        states=$(search "$PWD/$model" $words)
        if [ "$kind" = prove ]; then
            if [ "$(errors_of)" = 0 ] && ! grep -q -E 'not completed|max search depth too small|out of memory' "$folder/out"; then
                printf '%-8s %-44s holds, %s states, complete\n' "$name" "$words" "$states"
            else
                fail "$name $words: an error, or not complete"
            fi
        elif [ "$(errors_of)" = 1 ] && grep -q -E '^pan:1: (assertion violated|invalid end state)' "$folder/out"; then
            printf '%-8s %-44s found: %s\n' "$name" "$words" "$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' "$folder/out")"
        else
            fail "$name $words: the mutant was not found"
        fi
    done < <(sed -n '/^ \*\//q; s/^ \* \(\(prove\|mutant\):.*\)/\1/p' "$model")
}

models=0
for model in tests/models/*.pml; do
    if [ -z "$only" ] || [ "$(basename "$model" .pml)" = "$only" ]; then
        for kind in prove mutant; do
            if ! grep -q "^ \* $kind:" "$model"; then
                echo "FAILED $model says nothing to $kind"
                failures=$((failures + 1))
            fi
        done
        run_model "$model"
        models=$((models + 1))
    fi
done
if [ $models -eq 0 ]; then
    echo "prove.sh: there is no model $only" >&2
    exit 2
fi

if [ -z "$models_only" ]; then
    if [ ! -f "$build/CMakeCache.txt" ]; then
        cmake -G Ninja -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
    fi
    for source in tests/model_explore_*.c; do
        name=$(basename "$source" .c)
        cmake --build "$build" --target "$name" >/dev/null
        echo "$name"
        "$build/tests/$name" --more "$more" || failures=$((failures + 1))
    done
fi

if [ $failures -ne 0 ]; then
    echo "prove.sh: $failures FAILED"
    exit 1
fi
echo "prove.sh: everything holds"
