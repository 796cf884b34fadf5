#!/usr/bin/env bash
# baresip, a telephone, and two lines of callfan-sip: it is transferred from one to the other, by us and by itself, over UDP and TCP.
# ctest-timeout: 120
# ctest-labels: one-thread
source "$(dirname "$0")/phone_common.sh"
take_ports port port_2 phone _ control rtp_first _ _ _ _ _ rtp_last # baresip takes the port beside its own for TLS
sip_start "listen = {\"127.0.0.1:$port\", \"127.0.0.1:$port_2\"} trying_ms = 0 refer = anybody" 2
phone_start
end="DISCONNECTED/NORMAL IDLE"

for transport in udp tcp; do
    called="sip:phone@127.0.0.1:$phone;transport=$transport"
    other="sip:5550200@127.0.0.1:$port_2;transport=$transport"

    # We call it and transfer it to the other line, which hangs up in the end.
    closed=$(phone_events CALL_CLOSED)
    owners_start "--dial $called CONNECTED:transfer=$other" "OFFERING:answer CONNECTED:drop"
    first="DIALING RINGBACK CONNECTED/ACTIVE IDLE"
    second="OFFERING/ACTIVE CONNECTED/ACTIVE $end"
    two_end "it is transferred" "$first" "$second" "UNKNOWN $first; $second"
    wait_for 30 "$transport: baresip sees the end of both" phone_was_told CALL_CLOSED $((closed + 2))

    # It is transferred to a line that rejects it: the call goes on until we hang up.
    owners_start "--dial $called CONNECTED:transfer=$other REFUSED:drop" "OFFERING:drop"
    first="DIALING RINGBACK CONNECTED/ACTIVE $end"
    second="OFFERING/ACTIVE DISCONNECTED/REJECT IDLE"
    two_end "it is rejected there" "$first" "$second" "UNKNOWN $first; $second"

    # It calls us and transfers us to the other line.
    phone_calls
    owners_start "--monitor --count 2 OFFERING:answer --then DIALING:take CONNECTED:nothing" "OFFERING:answer"
    phone_do dial "sip:5550100@127.0.0.1:$port;transport=$transport"
    wait_for 30 "$transport: the call" line_was_told 0 CONNECTED
    phone_talks 1
    phone_do transfer "$other"
    wait_for 30 "$transport: the transfer" line_was_told 1 CONNECTED
    wait_for 30 "$transport: the end of the first call" line_was_told 0 IDLE || sip_complain "it does not end"
    kill -USR1 "${owner_pids[0]}" # the other line's owner hangs up
    two_end "it transfers" "OFFERING/ACTIVE CONNECTED/ACTIVE $end; DIALING PROCEEDING CONNECTED/ACTIVE $end" \
        "OFFERING/ACTIVE CONNECTED/ACTIVE $end"
done
sip_end
sip_verdict
