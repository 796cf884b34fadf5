#!/usr/bin/env bash
# Calls from one line of callfan-sip to another, which asks for credentials (SHA-256): each ends in exactly these states, at both owners and at
# two monitors; over UDP and TCP, IPv4 and IPv6.
# ctest-args: udp 127.0.0.1
# ctest-args: tcp [::1]
# ctest-timeout: 120
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp} host=${2:-127.0.0.1}
if [ "$host" = "[::1]" ] && ! grep -q "^0*1 " /proc/net/if_inet6; then
    exit 77
fi
take_ports port port_2

# loop_row NAME | STEPS OF THE CALLER | STEPS OF THE CALLEE | STATES OF THE CALLER | STATES OF THE CALLEE
loop_row() {
    local name dial answer called_by owned_by i code pid from=() pids=()
    IFS='|' read -r name dial answer called_by owned_by <<<"$1"
    sip_trim name called_by owned_by
    [ -z "${SIP_ONLY:-}" ] || [[ $name =~ $SIP_ONLY ]] || return 0
    sip_rows=$((sip_rows + 1))
    for i in 1 2; do
        from[i]=$(($(wc -l <"$service_folder/monitor$i.out") + 1))
    done
    rm -f "$service_folder/ready"
    read -ra answer <<<"$answer"
    read -ra dial <<<"$dial"
    run_aside callee "$tools/owner" --line "${line[1]}" --ready "$service_folder/ready" "${answer[@]}"
    pids=("$aside_pid")
    wait_for 30 "$name: the callee" test -e "$service_folder/ready"
    run_aside caller "$tools/owner" --line "${line[0]}" --dial 5550200 "${dial[@]}"
    pids+=("$aside_pid")
    for pid in "${pids[@]}"; do
        wait_for "$row_seconds" "$name: process $pid" sip_gone "$pid" || kill -TERM "$pid" 2>/dev/null || true
        code=0
        wait "$pid" || code=$?
        [ "$code" -eq 0 ] || sip_complain "$name ($transport): an owner ended with $code: $(cat "$service_folder"/call??.err)"
    done
    sip_compare "$name" "the caller" "$called_by" "$(sip_states "$service_folder/caller.out" 1)"
    sip_compare "$name" "the callee" "$owned_by" "$(sip_states "$service_folder/callee.out" 1)"
    for i in 1 2; do
        wait_for 30 "$name: monitor $i" sip_ended "$service_folder/monitor$i.out" "${from[i]}" 2 || true
        sip_compare "$name" "monitor $i" "$(printf '%s\n' "UNKNOWN $called_by" "$owned_by" | sort)" \
            "$(sip_states "$service_folder/monitor$i.out" "${from[i]}" | sort)"
    done
}

sip_start "listen = {\"$host:$port\", \"$host:$port_2\"} number = {\"5550100\", \"5550200\"} peer = {\"$host:$port_2\", \"$host:$port\"}
transport = {$transport} username = {alice} password = {secret} admit = {\"alice:secret\"} trying_ms = 0" 2
mapfile -t rows <<'END_OF_TABLE'
answered | | OFFERING:accept ACCEPTED:answer CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE | OFFERING/ACTIVE ACCEPTED CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
hung_up | CONNECTED:drop | OFFERING:answer | DIALING PROCEEDING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
rejected | | OFFERING:drop | DIALING PROCEEDING DISCONNECTED/REJECT IDLE | OFFERING/ACTIVE DISCONNECTED/REJECT IDLE
given_up | RINGBACK:drop | OFFERING:accept | DIALING PROCEEDING RINGBACK DISCONNECTED/CANCELLED IDLE | OFFERING/ACTIVE ACCEPTED DISCONNECTED/CANCELLED IDLE
caller_holds | CONNECTED:hold ONHOLD:unhold CONNECTED:drop | OFFERING:answer | DIALING PROCEEDING CONNECTED/ACTIVE ONHOLD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE | OFFERING/ACTIVE CONNECTED/ACTIVE CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
callee_holds | | OFFERING:answer CONNECTED:hold ONHOLD:unhold CONNECTED:drop | DIALING PROCEEDING CONNECTED/ACTIVE CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE | OFFERING/ACTIVE CONNECTED/ACTIVE ONHOLD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
for row in "${rows[@]}"; do
    loop_row "$row"
done
sip_end
sip_verdict
