#!/usr/bin/env bash
# baresip, a telephone: it calls callfan-sip, holds, resumes and hangs up, and is called, over UDP and TCP.
# ctest-timeout: 120
# ctest-labels: one-thread
source "$(dirname "$0")/phone_common.sh"
take_ports port phone _ control rtp_first _ _ _ _ _ rtp_last # baresip takes the port beside its own for TLS

# only_owner_start ARGUMENT...
only_owner_start() {
    for i in 1 2; do
        from[i]=$(($(wc -l <"$service_folder/monitor$i.out") + 1))
    done
    rm -f "$service_folder/ready"
    run_aside owner "$tools/owner" --line "${line[0]}" --ready "$service_folder/ready" "$@"
    owner_pid=$aside_pid
    wait_for 30 "the owner" test -e "$service_folder/ready"
}

# call_ends NAME STATES; of a call of ours the monitors are told UNKNOWN first.
call_ends() {
    wait_for 30 "$1: the owner" sip_gone "$owner_pid" || kill -TERM "$owner_pid" 2>/dev/null || true
    wait "$owner_pid" || sip_complain "$1: the owner ended with $?: $(cat "$service_folder/owner.err")"
    sip_compare "$1" "the owner" "$2" "$(sip_states "$service_folder/owner.out" 1)"
    for i in 1 2; do
        wait_for 30 "$1: monitor $i" sip_ended "$service_folder/monitor$i.out" "${from[i]}" 1 || true
        sip_compare "$1" "monitor $i" "${2/#DIALING/UNKNOWN DIALING}" "$(sip_states "$service_folder/monitor$i.out" "${from[i]}")"
    done
    sip_rows=$((sip_rows + 1))
}

sip_start "listen = {\"127.0.0.1:$port\"} peer = {\"127.0.0.1:$phone\"}"
from=()
phone_start

for transport in udp tcp; do
    # It calls, holds, resumes, hangs up.
    phone_calls
    only_owner_start OFFERING:accept ACCEPTED:answer
    phone_do dial "sip:5550100@127.0.0.1:$port;transport=$transport"
    wait_for 30 "$transport: the call" owner_was_told CONNECTED ACTIVE 1
    phone_talks 1
    phone_do hold
    wait_for 30 "$transport: the hold" owner_was_told CONNECTED ACTIVEHELD 1
    phone_do resume
    wait_for 30 "$transport: the resume" owner_was_told CONNECTED ACTIVE 2
    phone_do hangup
    call_ends "it calls" "OFFERING/ACTIVE ACCEPTED CONNECTED/ACTIVE CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE"

    # It calls, and we hang up.
    closed=$(phone_events CALL_CLOSED)
    only_owner_start OFFERING:answer CONNECTED:drop
    phone_do dial "sip:5550100@127.0.0.1:$port;transport=$transport"
    call_ends "we hang up" "OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE"
    wait_for 30 "$transport: baresip sees the end" phone_was_told CALL_CLOSED $((closed + 1))

    # It gives up while we ring.
    only_owner_start OFFERING:accept
    phone_do dial "sip:5550100@127.0.0.1:$port;transport=$transport"
    wait_for 30 "$transport: the ringing" owner_was_told ACCEPTED "" 1
    phone_do hangup
    call_ends "it gives up" "OFFERING/ACTIVE ACCEPTED DISCONNECTED/CANCELLED IDLE"

    # It is called, answers, holds, resumes and hangs up.
    phone_calls
    only_owner_start --dial "sip:phone@127.0.0.1:$phone;transport=$transport"
    wait_for 30 "$transport: the answer" owner_was_told CONNECTED ACTIVE 1
    phone_talks 1
    phone_do hold
    wait_for 30 "$transport: the hold" owner_was_told CONNECTED ACTIVEHELD 1
    phone_do resume
    wait_for 30 "$transport: the resume" owner_was_told CONNECTED ACTIVE 2
    phone_do hangup
    call_ends "it is called" "DIALING RINGBACK CONNECTED/ACTIVE CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE"

    # It is called, hears the digits that we send, and we hang up.
    closed=$(phone_events CALL_CLOSED) pressed=$(phone_events CALL_DTMF_START)
    only_owner_start --dial "sip:phone@127.0.0.1:$phone;transport=$transport" CONNECTED:digits=5# SENT:drop
    call_ends "we call and hang up" "DIALING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE"
    wait_for 30 "$transport: baresip hears 5 and #" phone_was_told CALL_DTMF_START $((pressed + 2))
    wait_for 30 "$transport: baresip sees the end" phone_was_told CALL_CLOSED $((closed + 1))
done
sip_end
sip_verdict
