#!/usr/bin/env bash
# Spoiled, oversized and cut messages on the SIP port, by the hundred thousand, while 40 good calls go on: what came is counted, nothing
# crashes, and the good calls are not disturbed.
#
# sip_garbage.sh udp|tcp [MESSAGES [PER SECOND [SEED]]]; the long run is sip_garbage.sh udp 1000000 50000
#
# ctest-args: udp 200000 40000
# ctest-args: tcp 100000 20000
# ctest-args-sanitized: udp 40000 4000
# ctest-args-sanitized: tcp 20000 2000
# ctest-timeout: 180
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp} count=${2:-200000} rate=${3:-40000} seed=${4:-$RANDOM}
good_calls=40
echo "seed $seed"
take_ports port peer_port
# What the garbage makes of calls ends soon: T1 and the ringing are short, but not so short that a good call is not answered in time.
sip_start "listen = {\"127.0.0.1:$port\"} t1_ms = 100 ring_limit_ms = 15000"
run_aside owner "$bin/callfan" answer --hold 3000
wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"

sprays=()
arguments=(--port "$port" --count "$count" --rate "$rate" --seed "$seed" "$scenarios"/spray/*.sip "$source_root"/tests/corpus/sip_{scan,torture,capture}/*)
[ "$transport" = udp ] || arguments+=(--tcp)
run_aside spray "$tools/spray" "${arguments[@]}"
spray_pid=$aside_pid
if [ "$transport" = udp ]; then # a few without any structure
    head -c 60000 /dev/urandom >"/dev/udp/127.0.0.1/$port"
    printf '\0\0\0\0' >"/dev/udp/127.0.0.1/$port"
    printf '\r\n\r\n' >"/dev/udp/127.0.0.1/$port"
fi
# As long as the garbage comes, so many calls a second.
seconds=$((count / rate > 1 ? count / rate : 1))
sipp_run good caller_hangs_up "$transport" "$peer_port" \
    "calls=$good_calls&rate=$((good_calls / seconds + 1))&pause=200&to=good" "127.0.0.1:$port"
code=0
wait "$sipp_pid" || code=$?
[ "$code" -eq 0 ] || {
    sip_trace good
    fail "the good calls: sipp ended with $code"
}
code=0
wait "$spray_pid" || code=$?
[ "$code" -eq 0 ] || fail "spray ended with $code: $(cat "$service_folder/spray.err")"
cat "$service_folder/spray.out"
[ "$(status '.providers[0].pid')" = "$provider" ] || fail "callfan-sip was started again"

# The good calls, by who is called, from beginning to end at both monitors.
wait_for 60 "the end of all calls" status_is .totals.calls_live 0
good() { # MONITOR
    lines_of "$service_folder/monitor$1.out" | jq -s '[.[] | select(.message == "LINE_CALLSTATE")] | group_by(.call) |
        map(select(.[0].called == "good") | map(.state) | join(" ")) | map(select(. == "OFFERING CONNECTED DISCONNECTED IDLE")) | length'
}
all_are_good() { [ "$(good "$1")" -eq $good_calls ]; }
for i in 1 2; do
    poll_seconds=0.5 wait_for 60 "the good calls at monitor $i" all_are_good "$i" ||
        sip_complain "monitor $i: $(good "$i") good calls instead of $good_calls"
done

# counter NAME: of those that the adapter printed last.
counter() {
    sed -n "s/.* $1 \([0-9]*\)$/\1/p" "$service_folder/log" | tail -n 1
}
wait_for 60 "the end of all transactions" sip_nothing_lives || sip_complain "still alive: $(sip_live)"
sip_live >/dev/null # once more: then all counters of the time before are in the log
received=$(counter received) malformed=$(counter malformed)
dropped=0
[ "$transport" = tcp ] || dropped=$(awk -v port="$(printf ':%04X' "$port")" '$2 ~ port "$" { print $13 }' /proc/net/udp)
echo "received $received, malformed $malformed, dropped by the system $dropped"
[ "$malformed" -gt $((count / 20)) ] || sip_complain "only ${malformed:-0} of $count are counted as malformed"
if [ "$transport" = udp ] && [ $((received + dropped)) -lt "$count" ]; then
    sip_complain "of $count datagrams $received were received and $dropped dropped by the system"
fi
sip_end
sip_verdict
