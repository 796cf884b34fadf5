# Sourced by scripts/load.sh: the mode memory.
# shellcheck shell=bash

# What a live call, a handle and an application take: looked at by owner with nobody there, with one application, with all, with all calls alive,
# when all calls have ended, and when the applications have left. The differences, divided.
memory_messages=6
declare -A memory_seen=() # "LOOK OWNER" -> KiB

# memory_look NAME CALLS: a column of the table, once nothing is under way.
memory_look() {
    local row
    wait_for 60 "rest before memory is looked at" memory_rests "$2" || result=1
    owners_find
    owners_look
    for row in "${owners_rows[@]}" all; do
        memory_seen["$1 $row"]=${owners[$row]}
    done
    memory_seen["$1 pss"]=$(owners_pss)
}

memory_rests() {
    status_is "([.ports[] | .pending + .behind] | add) == 0 and .totals.calls_live == $1 and
        .totals.handles_live == $1 * ([.ports[] | select(.kind == \"application\")] | length)" true
}

# memory_applications NAME COUNT: so many, without a call.
memory_applications() {
    local monitors=$2
    start_monitors --digests "$service_folder/digests"
    memory_look "$1" 0
    drop_monitors
    monitor_pids=()
}

# The simulator once more, now with traffic.
memory_begin() {
    sed -i "s/^    rate = .*/    rate = $rate/" "$service_folder/callfan.conf"
    kill_process '.providers[0].pid'
    wait_for 60 "the simulator" status_is '.providers[0].pid as $pid | .providers[0].restarts == 1 and .totals.lines == 16 and
        any(.ports[]; .kind == "provider" and .pid == $pid)' true || result=1
    start_monitors --digests "$service_folder/digests"
}

run_memory() {
    local ramp=$((live_calls * 1000 / rate)) room=$((live_calls + 65536))
    if [ -z "$given_hold_ms" ]; then
        hold_ms=$((ramp * 3 / 2 + 10000 + live_calls / 50)) # until all are there and have been looked at
    fi
    echo "== memory: $live_calls calls at $rate calls/s, each for $((hold_ms / 1000)) s, to $monitors applications"
    monitor_pids=()
    make_folder
    service_start "$(globals)
huge_pages = $([ "$small_pages" = yes ] && echo false || echo true)
$(digest_section "$live_calls" "    hold = fixed
    hold_ms = $hold_ms" "$room" "$memory_messages" 0)"
    lines_are_up 16
    memory_look rest 0
    memory_applications one 1
    memory_applications all "$monitors"
    memory_begin
    poll_seconds=0.5 wait_for $((60 + ramp / 250)) "$live_calls calls" status_is .totals.calls_made "$live_calls" || result=1
    pause 2 # until all are answered
    status_is .totals.calls_live "$live_calls" || fail "calls have ended before memory was looked at: this machine needs a larger --hold-ms than $hold_ms"
    memory_look live "$(status .totals.calls_live)"
    poll_seconds=0.5 wait_for $((60 + (ramp + hold_ms) / 250)) "the end of all calls" status_is .totals.calls_live 0 || result=1
    memory_look ended 0
    print_cpu
    end_monitors
    wait_for 60 "the end of the applications' ports" no_applications || result=1
    monitor_pids=()
    memory_look left 0
    memory_table
    memory_shares
    finish
}

# ------------------------------------------------------------------ what was found

declare -A memory_titles=([journal]="core: journal, ports, lines" [calls]="core: calls, chunks, blocks" [handles]="core: handles"
    [marks]="core: marks, open lines" [maps]="core: maps of the providers" [state]="core: its state" [rings]="rings" [core]="core: its own" [keeper]="keeper"
    [providers]="simulator" [applications]="applications" [digests]="digests of the simulator" [all]="all together" [pss]="Pss of all processes")

memory_table() {
    local row look line
    printf '%-28s' "memory in KiB"
    printf '%12s' "at rest" "1 appl." "$monitors appl." "all calls" "all ended" "appl. left"
    echo
    for row in "${owners_rows[@]}" all pss; do
        line=""
        for look in rest one all live ended left; do
            line+=$(printf '%12d' "${memory_seen["$look $row"]}")
        done
        if [ -n "${line//[ 0]/}" ]; then printf '%-28s%s\n' "${memory_titles[$row]}" "$line"; fi
    done
}

# memory_more ROW LOOK THAN: KiB.
memory_more() { echo $((memory_seen["$2 $1"] - memory_seen["$3 $1"])); }

# memory_bytes KIB COUNT
memory_bytes() { awk -v kib="$1" -v n="$2" 'BEGIN { printf "%.1f", kib * 1024 / n }'; }

# memory_line LOOK THAN COUNT ROW...: what each row took more at LOOK, in bytes of so many, or in KiB if COUNT is 0; nothing of those that did not.
memory_line() {
    local look=$1 than=$2 count=$3 row kib
    shift 3
    for row; do
        kib=$(memory_more "$row" "$look" "$than")
        if [ "$kib" -eq 0 ]; then continue; fi
        if [ "$count" -ne 0 ]; then kib=$(memory_bytes "$kib" "$count"); fi
        printf '%s %s, ' "${memory_titles[$row]}" "$kib"
    done
}

# What traffic takes however many calls there are, in KiB: the last page of each table is only begun, of calls, maps and handles perhaps a huge one, of
# the simulator and of each application in the core and in its library a few small ones; and an application that was late once has filled
# its array for a batch of 1,024 messages, and the library the texts that go with them.
memory_begun() {
    echo $(((2 + monitors) * $([ "$small_pages" = yes ] && echo 4 || echo 2048) + (1 + monitors) * 64 + monitors * 128))
}

memory_shares() {
    local n=$((live_calls * monitors)) sizes
    sizes=$(($(owners_call_bytes) + 2 * monitors)) # and two bytes of each call that ever was, in the checking
    echo "bytes a live call: $(memory_line live all "$live_calls" journal calls maps marks state providers digests)all together" \
        "$(memory_bytes "$(memory_more all live all)" "$live_calls"); by the sizes of what is kept $sizes, with what any traffic takes at most" \
        "$(memory_bytes $((sizes * live_calls / 1024 + $(memory_begun))) "$live_calls")"
    echo "bytes a handle and application: $(memory_line live all "$n" handles applications)of which 16 and 64 are the handle's in the core and the library"
    echo "KiB an application without calls: $(memory_line one rest 0 rings state journal marks handles applications)all together" \
        "$(memory_more all one rest); of each of $monitors: $(($(memory_more all all rest) / monitors))"
    echo "KiB given back when all calls had ended: $(memory_more all live ended) of the $(memory_more all live all) that they took;" \
        "when the applications had left, too: $(memory_more all live left) of $(memory_more all live rest)"
}
