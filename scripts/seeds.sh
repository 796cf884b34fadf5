#!/usr/bin/env bash
# Plants the bugs of tests/seeds one after the other into a copy of the tree and shows that the test named in each patch fails. A patch
# begins with a sentence that says what it breaks, and a line
#     caught-by: PROGRAM ARGUMENTS...
# Programs of tests/ are compiled here without cmake, only from what they are made of; those that need the installed programs with it.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: scripts/seeds.sh [--check | --work DIR] [NAME...]

  --check     only whether every patch still applies
  --work DIR  where the copy of the tree is and what is compiled of it (build/seeds): two runs need two
  NAME        of a patch in tests/seeds, without .patch; default: all
Exit status: 0 when every planted bug was caught.
END
}

check=
work=build/seeds
names=()
while [ $# -gt 0 ]; do
    case $1 in
    --check) check=yes ;;
    --work)
        if [ $# -lt 2 ]; then usage >&2; exit 2; fi
        work=$2
        shift
        ;;
    --help | -h) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) names+=("$1") ;;
    esac
    shift
done
if [ ${#names[@]} -eq 0 ]; then
    for patch in tests/seeds/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi

root=$PWD
failures=0

# Context may have moved and changed a little since the patch was made.
apply() { patch -p1 -F3 -s --no-backup-if-mismatch -d "$1" "${@:3}" <"$root/tests/seeds/$2.patch"; }

if [ -n "$check" ]; then
    for name in "${names[@]}"; do
        if ! apply . "$name" --dry-run >/dev/null; then
            echo "tests/seeds/$name.patch does not apply"
            failures=$((failures + 1))
        fi
        if ! grep -q '^caught-by: [a-z]' "tests/seeds/$name.patch"; then
            echo "tests/seeds/$name.patch does not say what catches it"
            failures=$((failures + 1))
        fi
    done
    echo "${#names[@]} patches, $failures faults"
    exit $((failures != 0))
fi

mkdir -p "$work/tree"
work=$(realpath "$work")
tree=$work/tree
if command -v ccache >/dev/null; then
    export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root}
    compiler=(ccache cc)
else
    compiler=(cc)
fi

# The tree, without what git does not know. Unchanged files keep their times.
copy_tree() {
    local list
    rm -rf "$work/list"
    list=$(git ls-files -co --exclude-standard)
    tar -c -T <(while read -r file; do if [ -f "$file" ]; then echo "$file"; fi; done <<<"$list") | tar -x -C "$tree" --keep-newer-files 2>/dev/null
}

# restore NAME: without the patch again. What it touched is newer then than what was compiled of it, whatever the copy's times are.
restore() {
    local file
    apply "$tree" "$1" -R >/dev/null
    sed -n 's|^+++ b/||p' "tests/seeds/$1.patch" | while read -r file; do
        rm -f "$tree/$file"
        cp "$file" "$tree/$file"
    done
}

# sources PROGRAM: what it is made of.
sources() {
    local pure="shm/ring.c shm/handle_table.c shm/limits.c"
    case $1 in
    model_explore_*) echo "tests/$1.c shm/ring.c shm/handle_table.c" ;;
    test_ring | test_journal | test_handle_table*) echo "tests/$1.c $pure" ;;
    sim_* | test_engine_*) echo "tests/$1.c $pure $(echo core/*.c tests/model/*.c)" ;;
    test_client_*) echo "tests/$1.c $pure $(echo shm/sys_{bell,futex,memory,socket}.c client/*.c) tests/support/fake_core.c" ;;
    test_admit) echo "tests/$1.c apps/callfand/admit.c apps/callfand/access.c core/rights.c shm/limits.c" ;;
    *) return 1 ;;
    esac
}

# compile FLAGS SOURCE OBJECT
compile() {
    local flags=(-std=gnu11 -O1 -w -I. -Iinclude "-DCF_VERSION=\"0\"")
    if [ "$1" = explored ]; then
        flags+=(-DCF_MODEL=1 -Dmemcpy=cf_model_memcpy -Dmemset=cf_model_memset -fsanitize=thread -fno-builtin)
    fi
    "${compiler[@]}" "${flags[@]}" -c "$2" -o "$3"
}
export -f compile

# build PROGRAM: leaves it in $work/bin.
build() {
    local program=$1 kind=plain file list objects=() jobs
    list=$(cd "$tree" && sources "$program") || {
        build_by_cmake "$program"
        return
    }
    case $program in model_explore_*) kind=explored ;; esac
    mkdir -p "$work/bin" "$work/objects"
    rm -f "$work/objects"/*.o "$work/bin/$program"
    jobs=()
    for file in $list; do
        objects+=("$work/objects/${file//\//_}.o")
        jobs+=("$kind $file $work/objects/${file//\//_}.o")
    done
    if [ $kind = explored ]; then
        objects+=("$work/objects/explorer.o")
        jobs+=("plain tests/support/explorer.c $work/objects/explorer.o")
    fi
    export COMPILER="${compiler[*]}"
    (cd "$tree" && printf '%s\n' "${jobs[@]}" |
        xargs -P "$(nproc)" -I{} bash -c 'read -ra compiler <<<"$COMPILER"; compile {}') &&
        cc -o "$work/bin/$program" "${objects[@]}" -lcmocka -lpthread -lm
}

build_by_cmake() {
    if [ ! -f "$work/cmake/build.ninja" ]; then
        cmake -G Ninja -S "$tree" -B "$work/cmake" -DCMAKE_BUILD_TYPE=Debug -DCALLFAN_BENCH=OFF \
            "-DCMAKE_C_COMPILER_LAUNCHER=$([ "${compiler[0]}" = ccache ] && echo ccache)" >/dev/null
    fi
    cmake --build "$work/cmake" --target "$1" callfand callfan callfan-sim >/dev/null && mkdir -p "$work/bin" &&
        cp "$work/cmake/tests/$1" "$work/bin/$1"
}

# run PROGRAM ARGUMENTS...
run() {
    local program=$1
    shift
    local status=0
    CALLFAN_BIN=$work/cmake/bin CALLFAN_SOURCE=$tree CALLFAN_BUILD=plain \
        timeout 600 "$work/bin/$program" "$@" >"$work/output" 2>&1 || status=$?
    if [ $status -ge 124 ]; then
        echo "ended with $status: out of time, or killed by signal $((status - 128))" >>"$work/output"
    fi
    return $status
}

fault() {
    failures=$((failures + 1))
    printf '%-36s FAILED: %s\n' "$1" "$2"
}

declare -A sound # programs, with arguments, that pass without a bug
for name in "${names[@]}"; do
    read -ra test <<<"$(sed -n 's/^caught-by: //p' "tests/seeds/$name.patch")"
    copy_tree
    if [ -z "${sound[${test[*]}]:-}" ]; then
        if ! build "${test[0]}" >"$work/build.log" 2>&1 || ! run "${test[@]}"; then
            fault "$name" "${test[*]} fails without it"
            tail -n 5 "$work/build.log" "$work/output"
            continue
        fi
        sound[${test[*]}]=yes
    fi
    if ! apply "$tree" "$name" >"$work/patch.log"; then
        fault "$name" "does not apply"
        cat "$work/patch.log"
        copy_tree
        continue
    fi
    if ! build "${test[0]}" >"$work/build.log" 2>&1; then
        fault "$name" "does not compile"
        tail -n 5 "$work/build.log"
    elif run "${test[@]}" 2>/dev/null; then
        fault "$name" "${test[*]} does not notice"
    else
        how=$(grep -m 1 -E 'FAILED  \] [a-z]|execution [0-9]+: |^seed |\[ +ERROR' "$work/output" | sed 's/^\[ *FAILED *\] //' | cut -c1-110 || true)
        printf '%-36s %-24s %s\n' "$name" "${test[0]}" "${how:-$(tail -n 1 "$work/output" | cut -c1-110)}"
    fi
    restore "$name"
done
if [ $failures -ne 0 ]; then
    echo "seeds.sh: $failures of ${#names[@]} FAILED"
    exit 1
fi
echo "seeds.sh: all ${#names[@]} caught"
