#!/usr/bin/env bash
# Traffic through a whole Callfan, and the proof that nothing was lost: dense sequence numbers, the law of the counters, and each
# monitor's view of every call against the sender's list.
# shellcheck disable=SC2034 # the modes in scripts/load use what is set here
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/load.sh MODE... [OPTION]...

Modes:
  sim     simulated calls to checking monitors (10,000 calls/s for 60 s)
  sip     calls from sipp to an owner that answers, and checking monitors (500 calls/s for 60 s)
  sip-out calls of callfan dial to sipp, and checking monitors (500 calls/s for 60 s)
  sip-max calls from sipp to an owner that answers, faster and faster (from 1000 calls/s on, 5 s each): how many per second no call of which fails
  kill    simulated calls; again and again kill -9 of the core, a monitor, the owner and the provider, a run each (or what the
          environment's KILL_WHAT names): nothing lost or doubled, how long until the first new event
  stop    simulated calls; one monitor is stopped for a while, beside the same run without the stop
  storm   simulated calls; kill -9 of providers, owners and monitors, three of each, at random instants (1000 kills, 50 to 500 ms between
          two): nothing lost, IDLE once for each call of a dead provider, and nothing left of the dead
  soak    simulated calls; random kills of everything, stopped monitors and reloads, for an hour: nothing lost, memory flat. A line a minute;
          ^C ends it early, with the summary
  carrier simulated calls that are held for long (180 s in the mean, 570 s at most), 12 messages of each to many monitors, for 10 minutes, and five
          times as many for a second of each minute, until all have ended: nothing missed, each call compared at each monitor; percentiles, processor
          time and memory of each process
  national  simulated calls, every mobile call of a large country in its busy hours: 107,000 calls/s that last 180 s, 12 messages of each to 8
          applications, which are 10.3 million deliveries/s and 19 million live calls. Looks first for the highest rate that this machine holds
          without loss, then lets calls of full length come at that rate, as many as its memory allows, until all have ended; rates, losses,
          percentiles, processor time and memory by owner, the law of each port, and each application's view of every call
  memory  simulated calls that are held (1,000,000), and what they take of whom: memory by owner with no application, one, all, with all calls alive,
          after their end, and without applications again; bytes a live call, a handle, an application, and what is given back
  resync  simulated calls that are held (2,000,000) while one monitor is stopped until it is behind, and brought back into step: first it has heard of
          hardly any of them, then it knows all and each has changed. One exact gap each time, then the right state of all; how long until RESYNC_END,
          processor time, and the p99 of the others before and meanwhile. Some 600 bytes of memory and 300 of the folder for temporary files a call,
          and 300 of memory a call and monitor
  sweep   simulated calls that are held (1,000,000); an application takes a handle of each, closes its lines and ends: p99 of the others before
          that and while the handles are swept
  all     these but sip-max, storm, soak, carrier, national, memory, resync and sweep

The modes sip, sip-out and sip-max also print the adapter's processor time and switches per call, the first two also what memory it and the core
had in use over the time: from 200 s on it must not have grown in the last half.

  --calls-per-second N  (sim 10000, sip 500, sip-out 500, sip-max 1000, kill 2000, stop 10000, storm 1000, soak 2000, carrier 10000; national: the
                        highest that is tried, 107000; memory, resync, sweep: how fast the live ones come, 20000)
  --seconds N           of traffic (60; sip-max 5, soak 3600, carrier 600; national: how long as many calls end as begin; resync: how long
                        the others are watched before and after each time, 10; sweep: before each close, 5)
  --monitors N          (4; carrier 16, national 8)
  --stop-seconds N      how long the monitor stands still (60; the traffic lasts as long and 8 s more, each time)
  --stops N             how often (1)
  --expect-gaps 0|1     stop: of each stop, one gap with the exact count and then the truth, or none and nothing lost, for which the ring must
                        be large enough: --stop-seconds 5 --ring-kib 65536 at 10,000 calls/s (1)
  --no-reference        stop: not the run without the stop
  --live N              memory, resync, sweep: calls that are alive at once
  --closes N            sweep: how often (5)
  --beside N            resync, sweep: short calls/s of another simulator, of 6 messages each, by which is seen what the other monitors notice (2000)
  --small-pages         memory: without huge pages, so that little is only begun of each table; the parts of the core's state are not told apart then
  --ring-kib N          message ring of the monitors (the service's default; national and carrier 65536, less where memory is short)
  --memory-mib N        national: use no more memory than that (70 % of what is available; 92 % of it are never exceeded)
  --steps N             national: the first rate that is tried is the highest divided by 2^N (4)
  --kill-every N        kill: seconds between two kills (2)
  --kills N             kill: so many, however long it takes; storm: (1000)
  --burst N             carrier: so many times as many calls in one second of each minute; 1: none (5)
  --kill-core N         carrier: kill -9 of the core so many times, spread over the run (0)
  --first-ms N          kill, carrier: fail when a monitor got no new event within so many ms of a kill
  --seed N              storm, soak: who is killed when (1)
  --slack-kib N         storm, soak: memory may have grown by so much (2048; soak 4096, and 5 %)
  --hold-ms N           holding time of simulated calls in the mean (3000; carrier 180000); national: of each (180000); memory,
                        resync, sweep: of each (by --live and --calls-per-second)
  --wake-us N           least time between two wake-ups of an application (the service's default)
  --gather-us N         sip, sip-out, sip-max: gather_us of the adapter (0)
  --system-calls        sip, sip-out, sip-max: count the adapter's system calls too (perf, root), which takes a little time
  --real-time           the service, its applications and their peers under SCHED_RR, so that neither other work on the machine nor what this script
                        itself does is measured too (root)
  --bin FOLDER          the programs (default: build/release/bin, built first)
  --no-build            do not build
  --keep                keep the folder with logs and records
  --help                this text

Exit status: 0 when nothing was lost, 1 when something was, 2 for a wrong command line.
END
}

modes=() rate="" seconds="" gather_us=0 system_calls=no given_monitors="" stop_seconds=60 kill_every=2 given_hold_ms="" wake_us="" ring_kib="" reference=yes real_time=no bin="" build=yes
stops=1 expect_gaps=1 kills_wanted="" kill_core=0 first_ms="" seed=1 slack_kib="" memory_mib="" steps=4
given_live="" beside=2000 closes=5 burst=5 small_pages=no
while [ $# -gt 0 ]; do
    case $1 in
    sim | sip | sip-out | sip-max | kill | stop | storm | soak | carrier | national | memory | resync | sweep) modes+=("$1"); shift ;;
    all) modes+=(sim sip sip-out kill stop); shift ;;
    --calls-per-second | --seconds | --monitors | --stop-seconds | --kill-every | --hold-ms | --wake-us | --ring-kib | \
        --gather-us | --stops | --expect-gaps | --kills | --first-ms | --seed | --slack-kib | --memory-mib | --steps | --kill-core | --burst | \
        --live | --beside | --closes)
        if [ $# -lt 2 ] || ! [[ $2 =~ ^[0-9]+$ ]]; then
            echo "load.sh: $1 takes a whole number" >&2
            exit 2
        fi
        case $1 in
        --calls-per-second) rate=$2 ;;
        --seconds) seconds=$2 ;;
        --monitors) given_monitors=$2 ;;
        --stop-seconds) stop_seconds=$2 ;;
        --kill-every) kill_every=$2 ;;
        --hold-ms) given_hold_ms=$2 ;;
        --wake-us) wake_us=$2 ;;
        --ring-kib) ring_kib=$2 ;;
        --gather-us) gather_us=$2 ;;
        --stops) stops=$2 ;;
        --expect-gaps) expect_gaps=$2 ;;
        --kills) kills_wanted=$2 ;;
        --kill-core) kill_core=$2 ;;
        --burst) burst=$2 ;;
        --live) given_live=$2 ;;
        --beside) beside=$2 ;;
        --closes) closes=$2 ;;
        --first-ms) first_ms=$2 ;;
        --seed) seed=$2 ;;
        --slack-kib) slack_kib=$2 ;;
        --memory-mib) memory_mib=$2 ;;
        --steps) steps=$2 ;;
        esac
        shift 2
        ;;
    --bin)
        bin=${2:?--bin takes a folder} build=no
        shift 2
        ;;
    --no-build) build=no; shift ;;
    --no-reference) reference=no; shift ;;
    --small-pages) small_pages=yes; shift ;;
    --real-time) real_time=yes; shift ;;
    --system-calls) system_calls=yes; shift ;;
    --keep) KEEP_FOLDER=yes; shift ;;
    --help | -h) usage; exit 0 ;;
    *)
        echo "load.sh: unknown mode or option $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done
if [ "$closes" -eq 0 ] || [ "$closes" -gt 40 ]; then
    echo "load.sh: --closes takes 1 to 40" >&2 # as below
    exit 2
fi
if [ "$kill_core" -gt 60 ]; then
    echo "load.sh: --kill-core takes at most 60" >&2 # callfan check has room for the phases of so many
    exit 2
fi
if [ "$burst" -eq 0 ] || [ "$burst" -gt 1000 ]; then
    echo "load.sh: --burst takes 1 to 1000" >&2 # as callfan-sim
    exit 2
fi
if [ "$expect_gaps" -gt 1 ] || [ "$stops" -eq 0 ]; then
    echo "load.sh: --expect-gaps takes 0 or 1, --stops at least 1" >&2
    exit 2
fi
if [ ${#modes[@]} -eq 0 ]; then
    usage >&2
    exit 2
fi

export LC_ALL=C # numbers with a point
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/scripts/service.sh"
if [ "$build" = yes ]; then
    (cd "$root" && cmake --preset release && cmake --build --preset release --target callfan callfand callfan-sim callfan-sip) \
        >/dev/null
fi
bin=${bin:-$root/build/release/bin}
for tool in jq setsid; do
    if ! command -v "$tool" >/dev/null; then
        echo "load.sh: $tool is missing; scripts/deps.sh installs it" >&2
        exit 2
    fi
done
if [ "$real_time" = yes ]; then
    measured=(chrt -r 5)
    "${measured[@]}" true # may it?
fi
trap service_stop EXIT
trap 'exit 130' INT TERM

result=0
fail() {
    echo "load.sh: $*" >&2
    result=1
}

for part in parts owners growth adapter victims crowd sim sip sip-out sip-max kill stop storm soak carrier national memory resync sweep; do
    # shellcheck source=/dev/null
    source "$root/scripts/load/$part.sh"
done

# default_rate RATE [SECONDS [MONITORS HOLD_MS]]
default_rate() {
    rate=${given_rate:-$1}
    seconds=${given_seconds:-${2:-60}}
    monitors=${given_monitors:-${3:-4}}
    hold_ms=${given_hold_ms:-${4:-3000}}
}

# default_live CALLS
default_live() {
    live_calls=${given_live:-$1}
    if [ "$live_calls" -eq 0 ] || [ "$live_calls" -gt 33000000 ]; then
        echo "load.sh: --live takes 1 to 33000000" >&2 # what the layouts can hold, and some more
        exit 2
    fi
    if [ "$rate" -eq 0 ] || [ "$monitors" -eq 0 ]; then
        echo "load.sh: $mode needs a rate and monitors" >&2
        exit 2
    fi
}

given_rate=$rate given_seconds=$seconds
run_modes() {
    for mode in "${modes[@]}"; do
        case $mode in
        sim) default_rate 10000; run_sim ;;
        sip) default_rate 500; run_sip ;;
        sip-out) default_rate 500; run_sip_out ;;
        sip-max) default_rate 1000 5; run_sip_max ;;
        kill) default_rate 2000; run_kill ;;
        stop) default_rate 10000; run_stops ;;
        storm) default_rate 1000; run_storm ;;
        soak) default_rate 2000 3600; run_soak ;;
        carrier) default_rate 10000 600 16 180000; run_carrier ;;
        national) default_rate 107000 60 8 180000; run_national ;;
        memory) default_rate 20000; default_live 1000000; run_memory ;;
        resync) default_rate 20000 10; default_live 2000000; run_resync ;;
        sweep) default_rate 20000 5; default_live 1000000; run_sweep ;;
        esac
    done
    if [ "$result" -ne 0 ]; then
        echo "load.sh: something was lost or failed" >&2
    fi
}
{ run_modes; exit "$result"; } # read as a whole: this file may be changed during the hour of a soak
