#!/usr/bin/env bash
# OPTIONS to the peer drives the line out of service and into it: nobody answers, somebody does, somebody has no service.
# ctest-args: udp
# ctest-args: tcp
# ctest-timeout: 120
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp}
sip_knows options_s || exit 77
take_ports port peer_port
in_service() {
    [ "$("$bin/callfan" lines --json | jq -r .in_service)" = "$1" ]
}

# answered NAME: two OPTIONS, of which the first may be one that was sent before.
answered() {
    [ "$(cat "$service_folder/$1"/*_messages.log | grep -ac '^SIP/2.0 ')" -ge 2 ]
}

# asked NAME STATUS IN_SERVICE: a peer that answers OPTIONS, and what becomes of the line, and stays so until the peer goes.
asked() {
    sipp_run "$1" callee_is_asked "$transport" "$peer_port" "status=$2"
    wait_for 30 "$1: two answers" answered "$1" || {
        sip_complain "$1 ($transport): OPTIONS do not come"
        sip_trace "$1"
    }
    wait_for 30 "$1: the line" in_service "$3" || sip_complain "$1 ($transport): the line is not $3 in service"
    kill -KILL -- "-$sipp_pid"
    wait "$sipp_pid" 2>/dev/null || true
    sip_rows=$((sip_rows + 1))
}

sip_start "listen = {\"127.0.0.1:$port\"} peer = {\"127.0.0.1:$peer_port\"} transport = {$transport} options_s = 1 t1_ms = 100"
wait_for 30 "the line out of service" in_service false
asked first "200 OK" true
wait_for 30 "the line out of service" in_service false || sip_complain "nobody answers, and the line is in service"
asked again "404 Not Found" true
asked no_service "503 Service Unavailable" false
sip_end
sip_verdict
