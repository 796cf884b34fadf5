#!/usr/bin/env bash
# Session timers of 90 s, the shortest that there are: a call that we are to refresh is refreshed after half of that, and one that the peer
# forgets to refresh ends with BYE before it is over; called and calling, all four at once.
# ctest-timeout: 300
# ctest-labels: release-only
source "$(dirname "$0")/sip_common.sh"
transport=udp row_seconds=100
take_ports port_0 port_1 port_2 port_3 peer_0 peer_1 peer_2 peer_3
files=(callee_is_refreshed callee_vanishes caller_is_refreshed caller_vanishes)
ports=("$port_0" "$port_1" "$port_2" "$port_3") peers=("$peer_0" "$peer_1" "$peer_2" "$peer_3")
expected=("DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE" "DIALING CONNECTED/ACTIVE DISCONNECTED/TEMPFAILURE IDLE"
    "OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE" "OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/TEMPFAILURE IDLE")
sip_start "listen = {$(printf '"127.0.0.1:%s", ' "${ports[@]}" | sed 's/, $//')}
peer = {$(printf '"127.0.0.1:%s", ' "${peers[@]}" | sed 's/, $//')} $sip_patience" 4

# of_line MONITOR INDEX: what a monitor was told of the calls of a line, in monitorMONITOR.INDEX. True: that one has ended.
of_line() {
    lines_of "$service_folder/monitor$1.out" | jq -c "select(.line == ${line[$2]})" >"$service_folder/monitor$1.$2"
    sip_ended "$service_folder/monitor$1.$2" 1 1
}

sipps=() owners=()
for i in 0 1 2 3; do
    if [ "$i" -lt 2 ]; then
        sipp_run "$i" "${files[i]}" udp "${peers[i]}" "word=90" "${sipp_patience[@]}"
        wait_for 30 "sipp $i" sip_bound udp "${peers[i]}"
        run_aside "owner$i" "$tools/owner" --line "${line[i]}" --dial 5550200
    else
        run_aside "owner$i" "$tools/owner" --line "${line[i]}" --ready "$service_folder/ready$i" OFFERING:answer
        wait_for 30 "owner $i" test -e "$service_folder/ready$i"
        sipp_run "$i" "${files[i]}" udp "${peers[i]}" "word=90" "${sipp_patience[@]}" "127.0.0.1:${ports[i]}"
    fi
    sipps+=("$sipp_pid") owners+=("$aside_pid")
done
for i in 0 1 2 3; do
    before=$sip_failures
    wait "${sipps[i]}" || sip_complain "${files[i]}: sipp ended with $?"
    wait_for 30 "owner $i" sip_gone "${owners[i]}" || kill -TERM "${owners[i]}"
    wait "${owners[i]}" || sip_complain "${files[i]}: the owner ended with $?: $(cat "$service_folder/owner$i.err")"
    sip_compare "${files[i]}" "the owner" "${expected[i]}" "$(sip_states "$service_folder/owner$i.out" 1)"
    for m in 1 2; do
        wait_for 30 "${files[i]}: monitor $m" of_line "$m" "$i" || true
        sip_compare "${files[i]}" "monitor $m" "${expected[i]/#DIALING/UNKNOWN DIALING}" "$(sip_states "$service_folder/monitor$m.$i" 1)"
    done
    [ "$sip_failures" -eq "$before" ] || sip_trace "$i"
    sip_rows=$((sip_rows + 1))
done
sip_end
sip_verdict
