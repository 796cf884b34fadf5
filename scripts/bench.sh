#!/usr/bin/env bash
# Builds the benchmarks in the release build, runs them pinned, and prints one table of ratios.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/bench.sh [OPTIONS] [NAME...]

  NAME              only these programs: bench_loop_cost, or shorter: loop_cost
  --filter REGEX    only benchmarks whose names match
  --repetitions N   of each benchmark (default 5); the median is what counts
  --min-time S      seconds per repetition (default 0.2)
  --interleave      the repetitions of a program's benchmarks in random order, so that what changes on the machine meets all alike
  --rt              at real-time priority (needs root or CAP_SYS_NICE); steadier on a busy machine
  --plots           then draw docs/img anew from the results, as scripts/plots.sh does
  --no-build        run what is built
  --no-install      do not install missing packages
  --list            print the programs' names and end
  --help            this text

A program runs on one CPU, the last one, or on as many as its source asks for by a comment `bench-cpus: N`.

While a program runs a line says which of its benchmarks. At the end, over all programs that ran:

The table: a benchmark foo/ARGS is compared with each foo_ref/ARGS and foo_ref_WHAT/ARGS of its program, and with the
benchmark that it names itself (cbench_compare). Where both count items the times are per item. Ratio is time divided by
the reference's time: below 1 is faster than the reference. cv is the larger coefficient of variation of the two over
the repetitions. Where a benchmark measured how long a line of memory takes between its CPUs (line_ns), its repetitions are
told apart: /near below 100 ns, /far from there. A second table has the counters, for benchmarks that have some: percentiles, bytes; each
program's source says what they are.
Full results: build/release/bench/results/NAME.json.
END
}

filter=.
repetitions=5
min_time=0.2
rt=
interleave=false
build=yes
install=yes
list=no
plots=no
names=()
while [ $# -gt 0 ]; do
    case $1 in
    --filter | --repetitions | --min-time)
        if [ $# -lt 2 ]; then
            echo "bench.sh: $1 needs a value" >&2
            exit 2
        fi
        case $1 in
        --filter) filter=$2 ;;
        --repetitions) repetitions=$2 ;;
        --min-time) min_time=$2 ;;
        esac
        shift 2
        ;;
    --interleave) interleave=true; shift ;;
    --rt) rt="chrt -r 1"; shift ;;
    --plots) plots=yes; shift ;;
    --no-build) build=no; shift ;;
    --no-install) install=no; shift ;;
    --list) list=yes; shift ;;
    --help | -h) usage; exit 0 ;;
    -*)
        echo "bench.sh: unknown option $1" >&2
        usage >&2
        exit 2
        ;;
    *) names+=("bench_${1#bench_}"); shift ;;
    esac
done

cd "$(dirname "$0")/.."
mapfile -t known < <(find bench -maxdepth 1 -name 'bench_*.c' -printf '%f\n' | sed 's/\.c$//' | sort)
if [ "$list" = yes ]; then
    printf '%s\n' "${known[@]}"
    exit 0
fi
if [ ${#names[@]} -eq 0 ]; then
    names=("${known[@]}")
fi
for name in "${names[@]}"; do
    if [ ! -f "bench/$name.c" ]; then
        echo "bench.sh: no benchmark $name; there are: ${known[*]}" >&2
        exit 2
    fi
done

source scripts/deps.sh
if [ "$install" = yes ]; then
    install_packages "${BUILD_PACKAGES[@]}" jq util-linux
    install_packages "${BENCH_PACKAGES[@]}" || echo "bench.sh: without some of what there is to compare with" >&2
fi
out=build/release/bench/results
mkdir -p "$out"
if [ "$build" = yes ]; then
    # Benchmarks may start the programs, so everything is built.
    echo "building ..." >&2
    if ! { cmake --preset release && cmake --build --preset release; } >"$out/build.log" 2>&1; then
        tail -n 60 "$out/build.log" >&2
        exit 1
    fi
fi

# The CPUs this program asks for: the last one of those allowed, or the last N.
cpus_of() {
    local wanted allowed
    wanted=$(sed -n 's/.*bench-cpus: *\([0-9]\+\).*/\1/p' "bench/$1.c" | head -n 1)
    allowed=$(taskset -cp $$ | sed 's/.*: *//' | awk -F, '{
        for (i = 1; i <= NF; i++) {
            n = split($i, r, "-")
            for (c = r[1] + 0; c <= r[n] + 0; c++) print c
        }
    }')
    if [ "$(wc -l <<<"$allowed")" -lt "${wanted:-1}" ]; then
        echo "bench.sh: $1 wants $wanted CPUs, there are $(wc -l <<<"$allowed")" >&2
    fi
    tail -n "${wanted:-1}" <<<"$allowed" | paste -sd,
}

# What was measured goes into the results, so that tables and pictures made of them later tell the truth.
commit=$(git describe --always --dirty --exclude '*' 2>/dev/null || echo unknown)
cpu=$(lscpu | sed -n 's/^Model name: *//p' | head -n 1 | tr -d ',=')
context=commit=$commit,cpu="$(nproc) CPUs of $cpu"

# Reads the lines that a program prints, one or more per benchmark, and tells which one was reached: on a terminal in a line that is
# written over, else every 20 seconds. $1: what stands before, $2: how many there are.
progress() {
    local name rest last="" reached=0 told=$SECONDS terminal=no line='^[0-9.e+-]+ (ns|us|ms|s) '
    if [ -t 2 ]; then
        terminal=yes
    else
        echo "$1" >&2
    fi
    while read -r name rest; do
        name=${name%_mean}
        name=${name%_median}
        name=${name%_stddev}
        if ! [[ $rest =~ $line ]] || [ "$name" = "$last" ]; then
            continue
        fi
        last=$name
        reached=$((reached + 1))
        if [ "$terminal" = yes ]; then
            printf '\r%s: %d of %s, %s\033[K' "$1" "$reached" "$2" "$name" >&2
        elif [ $((SECONDS - told)) -ge 20 ]; then
            told=$SECONDS
            echo "    $reached of $2, $name" >&2
        fi
    done
    if [ "$terminal" = yes ]; then
        printf '\r%s: %d benchmarks\033[K\n' "$1" "$reached" >&2
    fi
}

done_names=()
failed=()
number=0
for name in "${names[@]}"; do
    number=$((number + 1))
    cpus=$(cpus_of "$name")
    head="[$number/${#names[@]}] $name on CPU $cpus"
    count=$("build/release/bench/$name" --benchmark_list_tests=true --benchmark_filter="$filter" 2>/dev/null | wc -l) || true
    # shellcheck disable=SC2086
    if CALLFAN_BIN=$PWD/build/release/bin taskset -c "$cpus" $rt "build/release/bench/$name" \
        --benchmark_out="$out/$name.json" --benchmark_out_format=json --benchmark_context="$context" \
        --benchmark_filter="$filter" --benchmark_repetitions="$repetitions" --benchmark_min_time="$min_time" \
        --benchmark_enable_random_interleaving="$interleave" 2>"$out/$name.log" | progress "$head" "$count"; then
        done_names+=("$name")
        sed -n 's/^not \(compared\|measured\): /    &/p' "$out/$name.log" >&2
    elif grep -q 'Failed to match any benchmarks' "$out/$name.log"; then
        echo "    nothing matches $filter" >&2
    else
        failed+=("$name")
        tail -n 10 "$out/$name.log" >&2
    fi
done

# One line per benchmark and reference: name, ns, reference, its ns, ratio, cv. A benchmark that neither has a reference nor
# is one stands alone, so that no figure is lost.
table_of() {
    jq -r --arg program "${1#bench_}" '
        def ns: {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9};
        def family: split("/")[0];
        def args: split("/")[1:] | join("/");
        # How it was run is not what it is.
        def short: gsub("/(iterations:[0-9]+|manual_time|real_time)"; "");
        def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
        def cv: (add / length) as $mean | if $mean > 0 then (map(. - $mean | . * .) | add / length | sqrt) / $mean else 0 end;
        # The figures of each benchmark: the median, or the only run; near and far apart where the CPUs came and went.
        [.benchmarks[] | select(.error_occurred != true)] as $all
        | ([$all[] | select(.aggregate_name == "cv") | {key: .run_name, value: .real_time}] | from_entries) as $cv
        | [$all[] | select(.aggregate_name == "median" and .line_ns == null)] as $medians
        | (if ($medians | length) > 0 then $medians else [$all[] | select(.run_type == "iteration" and .line_ns == null)] end) as $runs
        | ([$runs[] | {
              name: .run_name, label: (.label // ""), cv: ($cv[.run_name] // 0),
              time: (.real_time * ns[.time_unit]),
              item: (if (.items_per_second // 0) > 0 then 1e9 / .items_per_second else null end)
          }]
          + ([$all[] | select(.run_type == "iteration" and .line_ns != null)] | group_by([.run_name, .line_ns >= 100]) | map({
              name: (.[0].run_name + (if .[0].line_ns >= 100 then "/far" else "/near" end)), label: (.[0].label // ""),
              cv: (map(.real_time) | cv), time: (map(.real_time * ns[.time_unit]) | median), item: null
          }))) as $all
        | def row($a; $b):
              ($a.item != null and $b.item != null) as $by_item
              | (if $by_item then $a.item else $a.time end) as $x
              | (if $by_item then $b.item else $b.time end) as $y
              | [$a.name, $x, $b.name, $y, (if $y > 0 then $x / $y else 0 end), ([$a.cv, $b.cv] | max)];
          def named($name): [$all[] | select(.name == $name or (.name | startswith($name + "/")))] | sort_by(.name | length) | .[:1];
        [ $all[] as $a
          | ($a.name | family) as $family | ($a.name | args) as $args
          | [ $all[] | select((.name | args) == $args)
              | select((.name | family) as $f | $f == $family + "_ref" or ($f | startswith($family + "_ref_"))) ]
            + (if $a.label | startswith("vs ") then named($a.label[3:]) else [] end)
          | if length > 0 then .[] as $b | row($a; $b) else [$a.name, ($a.item // $a.time), "", "", "", $a.cv] end
        ]
        | ([.[] | .[2]]) as $references
        | .[] | select(.[2] != "" or (.[0] as $n | $references | index($n) | not))
        | [$program, (.[0] | short), .[1], (.[2] | short)] + .[3:] | @tsv
    ' "$out/$1.json"
}

# One line per benchmark with counters of its own: name, what it says of itself, its counters.
counters_of() {
    jq -r --arg program "${1#bench_}" '
        def own: .key as $key | (.value | type) == "number" and ([
            "family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations",
            "real_time", "cpu_time", "items_per_second", "bytes_per_second"] | index($key) | not);
        def digits: if . >= 100 then round elif . >= 1 then . * 10 | round / 10 else . * 1000 | round / 1000 end | tostring;
        [.benchmarks[] | select(.error_occurred != true)] as $all
        | [$all[] | select(.aggregate_name == "median")] as $medians
        | (if ($medians | length) > 0 then $medians else $all end)[]
        | [to_entries[] | select(own) | .key + " " + (.value | digits)] as $counters
        | select($counters | length > 0)
        | [$program, (.run_name | gsub("/(iterations:[0-9]+|manual_time|real_time)"; "")), ($counters | join(", ")), (.label // "" | select(startswith("vs ") | not) // "")] | join("|")
    ' "$out/$1.json"
}

# shellcheck disable=SC2016 # an awk program
print_time='
    function time(ns) {
        if (ns == "") return ""
        if (ns >= 1e9) return sprintf("%.3f s", ns / 1e9)
        if (ns >= 1e6) return sprintf("%.3f ms", ns / 1e6)
        if (ns >= 1e4) return sprintf("%.3f us", ns / 1e3)
        return sprintf("%.3f ns", ns)
    }
    BEGIN { print "program|benchmark|time|reference|its time|ratio|cv" }
    { printf "%s|%s|%s|%s|%s|%s|%.1f %%\n", $1, $2, time($3), $4, time($5), ($6 == "" ? "" : sprintf("%.3f", $6)), $7 * 100 }'
for name in "${done_names[@]}"; do
    table_of "$name"
done | awk -F '\t' "$print_time" | column -t -s '|' -R 3,5,6,7
counters=$(for name in "${done_names[@]}"; do counters_of "$name"; done)
if [ -n "$counters" ]; then
    printf '\n'
    printf 'program|benchmark|counters|\n%s\n' "$counters" | column -t -s '|'
fi
if [ "$plots" = yes ]; then
    scripts/plots.sh --no-install "${done_names[@]}"
fi
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}" >&2
    exit 1
fi
