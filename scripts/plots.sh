#!/usr/bin/env bash
# Draws docs/img/*.svg from the results that scripts/bench.sh left in build/release/bench/results; without those of a program its picture
# stays as it is.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/plots.sh [OPTIONS] [NAME...]

  NAME              only from these programs: bench_latency, or shorter: latency
  --to FOLDER       in place of docs/img
  --no-install      do not install missing packages
  --help            this text

handle_peers: time of handle operations and memory by number of handles, for Callfan and what else one would use.
engine_fanout: cost of a delivery by ports and live calls. engine_life: the same of a message in the whole life of a call, and of the parts of that
life. latency: percentiles of the age of an event.
END
}

programs=(handle_peers engine_fanout engine_life latency)
to=docs/img
install=yes
names=()
while [ $# -gt 0 ]; do
    case $1 in
    --to)
        if [ $# -lt 2 ]; then
            echo "plots.sh: $1 needs a value" >&2
            exit 2
        fi
        to=$(realpath -m "$2")
        shift 2
        ;;
    --no-install) install=no; shift ;;
    --help | -h) usage; exit 0 ;;
    -*)
        echo "plots.sh: unknown option $1" >&2
        usage >&2
        exit 2
        ;;
    *) names+=("${1#bench_}"); shift ;;
    esac
done

cd "$(dirname "$0")/.."
source scripts/deps.sh
if [ "$install" = yes ]; then
    install_packages "${BENCH_PACKAGES[@]}"
fi
if ! command -v gnuplot >/dev/null; then
    echo "plots.sh: no gnuplot (package gnuplot-nox), no pictures" >&2
    exit 1
fi
results=build/release/bench/results
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$to"

# family, arguments, threads, ns per item, and the figures that are named after the program's name. Of each benchmark the median, or the
# only run.
data_of() {
    local name=$1
    shift
    jq -r '
        [.benchmarks[] | select(.error_occurred != true)] as $all
        | [$all[] | select(.aggregate_name == "median")] as $medians
        | {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9} as $ns
        | (if ($medians | length) > 0 then $medians else $all end)[]
        | . as $run
        | (.run_name | split("/")) as $words
        | [$words[0], ([$words[1:][] | select(test("^[0-9]+$"))] | join(",")),
           ([$words[] | select(startswith("threads:"))[8:]][0] // "1"),
           (if (.items_per_second // 0) > 0 then 1e9 / .items_per_second else .real_time * $ns[.time_unit] end)]
          + [$ARGS.positional[] | $run[.] // "-"]
        | @tsv' "$results/bench_$name.json" --args "$@"
}

# When, what and where: the foot of each picture.
foot_of() {
    jq -r '(if any(.benchmarks[]; .aggregate_name == "median") then "medians" else "single runs" end) as $runs | .context | "\(.date[:10]), commit \(.commit // "unknown"), \(.cpu // "\(.num_cpus) CPUs"), load average \(.load_avg[1] // 0 | . * 10 | round / 10) before: \($runs) by scripts/bench.sh"' \
        "$results/bench_$1.json"
}

# draw NAME WIDTH HEIGHT: a gnuplot script on stdin. The background is not left to the page: lines and letters are made for this one.
draw() {
    {
        cat <<END
set terminal svg size $2,$3 dynamic rounded noenhanced font 'DejaVu Sans,Helvetica,Arial,sans-serif,13' background '#ffffff'
set output '$to/$1.svg'
data = '$work/$1'
foot = '$(foot_of "$1")'
END
        cat <<'END'
set datafile separator tab
set border 3 lc rgb '#444444'
set tics nomirror textcolor rgb '#222222'
set grid lc rgb '#dddddd' lw 1
set key textcolor rgb '#222222' reverse Left
set title offset 0, -0.4
set style line 1 lc rgb '#000000' lw 3.2 pt 7 ps 0.7
set style line 2 lc rgb '#d55e00' lw 1.8 pt 5 ps 0.6
set style line 3 lc rgb '#e69f00' lw 1.8 pt 4 ps 0.6
set style line 4 lc rgb '#0072b2' lw 1.8 pt 9 ps 0.7
set style line 5 lc rgb '#56b4e9' lw 1.8 pt 8 ps 0.7
set label 1 foot at screen 0.5, screen 0.018 center font ',11' textcolor rgb '#555555'
END
        cat
    } | gnuplot
    echo "$to/$1.svg" >&2
}

draw_handle_peers() {
    data_of handle_peers bytes >"$work/handle_peers"
    draw handle_peers 1080 720 <<'END'
set encoding utf8
at(family, threads, column) = sprintf("< awk -F '\\t' '$1 == \"%s\" && $3 == %d { print $2 \"\\t\" $%d }' %s", family, threads, column, data)
set multiplot title "Handles: Callfan's table beside allocators with hash tables, objects of 64 bytes" font ',16' layout 2, 3 \
    margins 0.065, 0.985, 0.17, 0.895 spacing 0.065, 0.13
set logscale xy
set xtics ('4 K' 4096, '128 K' 131072, '1 M' 1048576, '8 M' 8388608)
set xrange [2800:12000000]
set yrange [1:3000]
set ytics (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
set xlabel 'live handles' offset 0, 0.4
unset key
array family[5] = ['', '_ref_urcu_glibc', '_ref_urcu_jemalloc', '_ref_ck_ht_glibc', '_ref_ck_ht_jemalloc']
array kind[5] = ['Callfan', 'liburcu cds_lfht, glibc malloc', 'liburcu cds_lfht, jemalloc', 'ck_ht, glibc malloc', 'ck_ht, jemalloc']
set ylabel 'ns per operation' offset 1.4
set title 'look up'
plot for [i = 1:5] at('look_up'.family[i], 1, 4) using 1:2 with linespoints ls i
unset label 1
set title 'look up, while another thread churns'
plot for [i = 1:5] at('look_up_churned'.family[i], 1, 4) using 1:2 with linespoints ls i
set title 'churn: release any, allocate one'
plot for [i = 1:5] at('churn'.family[i], 1, 4) using 1:2 with linespoints ls i
set title 'churn in two threads, per operation of both'
plot for [i = 1:5] at('churn'.family[i], 2, 4) using 1:2 with linespoints ls i
set title "sweep: give back a closed line's, per handle"
plot for [i = 1:5] at('sweep'.family[i], 1, 4) using 1:2 with linespoints ls i
set title 'memory, resident when all are live'
set ylabel 'bytes per handle'
unset logscale y
set yrange [0:200]
set ytics 0, 40
set key at screen 0.5, screen 0.075 center center maxrows 2 width 3 samplen 2.5
plot for [i = 1:5] at('fill'.family[i], 1, 5) using 1:2 with linespoints ls i title kind[i]
unset multiplot
END
}

# For the pictures of the engine: a line for each number of live calls, 10 K to 10 M.
series_of_calls=$(
    cat <<'END'
calls = system("cut -f 3 ".data." | sort -nu")
of(calls) = calls >= 1e6 ? sprintf('%g M', calls / 1e6) : sprintf('%g K', calls / 1e3)
array style[5] = [4, 5, 3, 2, 1]
END
)

# family, ports, live calls, ns per item, and the figures named.
engine_data_of() {
    data_of "$@" | awk -F '\t' -v OFS='\t' '{ split($2, a, ","); $2 = a[1]; $3 = a[2]; print }' >"$work/$1"
}

draw_engine_fanout() {
    engine_data_of engine_fanout
    draw engine_fanout 760 500 <<END
$series_of_calls
at(family, calls) = sprintf("< awk -F '\\t' '\$1 == \"%s\" && \$3 == \"%s\" { print \$2 \"\\t\" \$4 }' %s", family, calls, data)
set title 'Fan-out in the engine: one LINE_CALLSTATE into the ring of each port' font ',16'
set lmargin 9
set rmargin 3
set bmargin 9
set logscale x 2
set logscale y
set xtics (1, 4, 16, 64)
set xrange [0.85:75]
set yrange [3:500]
set ytics (5, 10, 20, 50, 100, 200, 500)
set xlabel 'ports that monitor the call' offset 0, 0.3
set ylabel 'ns per delivery'
set key at screen 0.5, screen 0.12 center center maxrows 3 width 3 samplen 3
plot for [i = 1:words(calls)] at('fanout', word(calls, i)) using 1:2 with linespoints ls style[i] lw 2.4 \
         title sprintf('engine, %s live calls', of(word(calls, i) + 0)), \
     at('fanout_ref', word(calls, 1)) using 1:2 with linespoints ls 1 lw 1.8 dt 2 \
         title 'bare stores of the same lines'
END
}

draw_engine_life() {
    engine_data_of engine_life offering connected release
    draw engine_life 1080 560 <<END
$series_of_calls
at(family, key, value, x, y) = sprintf("< awk -F '\\t' '\$1 == \"%s\" && \$%d == \"%s\" { print \$%d \"\\t\" \$%d }' %s | sort -n", \
    family, key, value, x, y, data)
ports = system("cut -f 2 ".data." | sort -nu")
shown = words(calls) >= 3 ? word(calls, 3) : word(calls, words(calls))
set multiplot title 'The whole life of a call in the engine: six messages to each port, and the handles given back' font ',16' layout 1, 3 \
    margins 0.06, 0.985, 0.34, 0.86 spacing 0.06, 0.1
set logscale xy
set ytics (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
set ylabel 'ns per message' offset 1.4
set yrange [5:1000]
set xlabel 'ports that monitor the call' offset 0, 0.4
set xtics (1, 4, 16, 64)
set xrange [0.8:80]
set title 'by ports'
set key at screen 0.19, screen 0.143 center center maxrows 5 samplen 2.5
plot for [i = 1:words(calls)] at('life', 3, word(calls, i), 2, 4) using 1:2 with linespoints ls style[i] lw 2.2 title of(word(calls, i) + 0).' live calls', \
     at('life_ref', 3, shown, 2, 4) using 1:2 with linespoints ls 1 lw 1.8 dt 2 title 'bare loop, '.of(shown + 0)
unset label 1
set xlabel 'live calls' offset 0, 0.4
set xtics ('10 K' 1e4, '100 K' 1e5, '1 M' 1e6, '10 M' 1e7)
set xrange [6e3:1.6e7]
set title 'by live calls'
set key at screen 0.52, screen 0.143 center center maxrows 5 samplen 2.5
plot for [i = 1:words(ports)] at('life', 2, word(ports, i), 3, 4) using 1:2 with linespoints ls style[i] lw 2.2 \
         title word(ports, i).(i == 1 ? ' port' : ' ports'), \
     at('life_ref', 2, '16', 3, 4) using 1:2 with linespoints ls 1 lw 1.8 dt 2 title 'bare loop, 16'
set xlabel 'ports that monitor the call' offset 0, 0.4
set xtics (1, 4, 16, 64)
set xrange [0.8:80]
set yrange [5:2000]
set ylabel 'ns per port'
set title 'parts of that life, '.of(shown + 0).' live calls'
array part_style[3] = [4, 1, 2]
array part[3] = ['new call: handle, two messages', 'CONNECTED: a message', 'release of the handle']
set key at screen 0.85, screen 0.143 center center maxrows 4 samplen 2.5
plot for [i = 1:3] at('life', 3, shown, 2, 4 + i) using 1:2 with linespoints ls part_style[i] lw 2.2 title part[i]
unset multiplot
END
}

draw_latency() {
    data_of latency p50_us p90_us p99_us p99.9_us p99.99_us max_us | awk -F '\t' -v OFS='\t' '{
        for (i = 5; i <= 10; i++) print $1, $2, i - 4, $i }' >"$work/latency"
    draw latency 980 500 <<'END'
at(family, rate) = sprintf("< awk -F '\\t' '$1 == \"%s\" && $2 == \"%s\" { print $3 \"\\t\" $4 }' %s", family, rate, data)
set style line 11 lc rgb '#0072b2' lw 2.6 pt 9 ps 0.7
set style line 12 lc rgb '#0072b2' lw 1.4 pt 9 ps 0.7 dt 2
set style line 13 lc rgb '#d55e00' lw 2.6 pt 5 ps 0.6
set style line 14 lc rgb '#d55e00' lw 1.4 pt 5 ps 0.6 dt 2
set style line 15 lc rgb '#000000' lw 2.6 pt 7 ps 0.7
set style line 16 lc rgb '#000000' lw 1.4 pt 7 ps 0.7 dt 2
set style line 17 lc rgb '#009e73' lw 2.6 pt 13 ps 0.7
set style line 18 lc rgb '#009e73' lw 1.4 pt 13 ps 0.7 dt 2
array rate[4] = ['1000', '10000', '100000', '1000000']
array label[4] = ['1 K', '10 K', '100 K', '1 M']
set multiplot title 'From provider to application: how old an event is that the batch call hands out' font ',16' layout 1, 2 \
    margins 0.075, 0.985, 0.25, 0.84 spacing 0.08, 0.1
set logscale y
set xtics ('p50' 1, 'p90' 2, 'p99' 3, 'p99.9' 4, 'p99.99' 5, 'max' 6)
set xrange [0.8:6.2]
set yrange [0.1:200000]
set ytics ('100 ns' 0.1, '1 µs' 1, '10 µs' 10, '100 µs' 100, '1 ms' 1000, '10 ms' 10000, '100 ms' 100000)
set xlabel 'percentile of all events' offset 0, 0.3
unset key
set title 'all awake: core and application spin'
plot for [i = 1:8] at(i % 2 == 1 ? 'awake' : 'awake_ref', rate[(i + 1) / 2]) using 1:2 with linespoints ls 10 + i
unset label 1
set title 'all asleep between events'
set key at screen 0.5, screen 0.1 center center maxrows 2 width 1 samplen 3
plot for [i = 1:8] at(i % 2 == 1 ? 'asleep' : 'asleep_ref', rate[(i + 1) / 2]) using 1:2 with linespoints ls 10 + i \
         title label[(i + 1) / 2].(i % 2 == 1 ? ' events/s' : ', bare relay')
unset multiplot
END
}

for program in "${programs[@]}"; do
    if [ ${#names[@]} -gt 0 ] && ! printf '%s\n' "${names[@]}" | grep -qx "$program"; then
        continue
    fi
    if [ -s "$results/bench_$program.json" ]; then
        "draw_$program"
    else
        echo "plots.sh: no results of bench_$program" >&2
    fi
done
