#!/usr/bin/env bash
# 200 calls each way through a relay that loses 10 % of the datagrams, doubles 3 % and lets 3 % be overtaken: every call ends, at the owner and
# at two monitors, and nothing is left of any: no call, no transaction.
# ctest-args: in
# ctest-args: out
# ctest-timeout: 180
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
direction=${1:-in} transport=udp calls=200
row_seconds=$(by_build 60 120)
take_ports port peer_port face_of_peer face_of_callfan
# T1 is short so that the times of RFC 3261 are: 64 T1 are 6.4 s.
sip_start "listen = {\"127.0.0.1:$port\"} t1_ms = 100
$([ "$direction" = in ] || echo "peer = {\"127.0.0.1:$face_of_peer\"}")"
run_aside relay "$tools/relay" --near "$port" --far "$peer_port" --near-face "$face_of_peer" --far-face "$face_of_callfan" \
    --lose 10 --double 3 --delay 3 --seed 20
relay_pid=$aside_pid
wait_for 30 "the relay" sip_bound udp "$face_of_callfan"

if [ "$direction" = in ]; then
    run_aside owner "$tools/owner" --line "${line[0]}" --count $calls --lax --ready "$service_folder/ready" OFFERING:accept ACCEPTED:answer
    owner_pid=$aside_pid
    wait_for 30 "the owner" test -e "$service_folder/ready"
    sipp_run loss caller_hangs_up udp "$peer_port" "pause=100&calls=$calls&rate=50&seen=127.0.0.1:$face_of_peer" "127.0.0.1:$face_of_callfan"
else
    # It stays to the end: a datagram that comes twice or late may be a call of its own to it.
    sipp_run loss callee_answers udp "$peer_port" "calls=1000000&linger=3000&seen=127.0.0.1:$face_of_peer"
    wait_for 30 "sipp" sip_bound udp "$peer_port"
    run_aside owner "$tools/owner" --line "${line[0]}" --count $calls --lax --dial 5550100 --together 20 CONNECTED:drop
    owner_pid=$aside_pid
fi
if [ "$direction" = in ]; then
    sipp_end=0
    wait "$sipp_pid" || sipp_end=$?
    grep -E 'Successful call|Failed call' "$service_folder/loss/sipp.out" | tail -n 2
    [ "$sipp_end" -le 1 ] || sip_complain "sipp ended with $sipp_end" # 1: some of its calls failed, as they may here
    # A call that sipp gave up, and whose BYE, which it does not repeat, was lost, lives on: its owner ends it.
    kill -USR1 "$owner_pid" 2>/dev/null || true
fi
wait_for "$row_seconds" "the owner" sip_gone "$owner_pid" || kill -TERM "$owner_pid"
owner_end=0
wait "$owner_pid" || owner_end=$?
[ "$owner_end" -eq 0 ] || sip_complain "the owner ended with $owner_end: $(cat "$service_folder/owner.err")"
wait_for 60 "the end of all calls" status_is '[.totals.calls_made, .totals.calls_live] | tostring' "[$calls,0]" ||
    sip_complain "calls made and live: $(status '[.totals.calls_made, .totals.calls_live] | tostring')"
wait_for 60 "the end of all transactions" sip_nothing_lives || sip_complain "still alive: $(sip_live)"

for i in 1 2; do
    wait_for 30 "the end of all calls at monitor $i" sip_ended "$service_folder/monitor$i.out" 1 $calls || true
done

# All that a call may have been told; most were told the first.
if [ "$direction" = in ]; then
    may='^OFFERING/ACTIVE (ACCEPTED )?(CONNECTED/ACTIVE )?DISCONNECTED/(NORMAL|TEMPFAILURE|CANCELLED) IDLE$'
else
    may='^DIALING (PROCEEDING )?(RINGBACK )?(CONNECTED/ACTIVE )?DISCONNECTED/(NORMAL|TEMPFAILURE|UNREACHABLE) IDLE$'
fi
for who in owner monitor1 monitor2; do
    sip_states "$service_folder/$who.out" 1 | sed 's/^UNKNOWN //' >"$service_folder/$who.states"
    sort "$service_folder/$who.states" | uniq -c
    [ "$(wc -l <"$service_folder/$who.states")" -eq $calls ] || sip_complain "$who: other than $calls calls"
    ! grep -vE "$may" "$service_folder/$who.states" >&2 || sip_complain "$who was told what cannot be"
    connected=$(grep -c CONNECTED/ACTIVE "$service_folder/$who.states")
    [ "$connected" -ge $((calls * 9 / 10)) ] || sip_complain "$who: only $connected calls were answered"
    cmp -s <(sort "$service_folder/owner.states") <(sort "$service_folder/$who.states") || sip_complain "$who was told other states than the owner"
done
kill -TERM "$relay_pid"
wait "$relay_pid" || sip_complain "the relay ended with $?"
jq -c . "$service_folder/relay.out"
jq -e '.near.lost > 20 and .far.lost > 20' "$service_folder/relay.out" >/dev/null || sip_complain "nothing was lost"
sip_rows=$calls
sip_end
sip_verdict
