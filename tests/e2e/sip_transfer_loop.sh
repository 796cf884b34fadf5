#!/usr/bin/env bash
# Transfers among three lines of callfan-sip, each with an owner: the first transfers, the second is transferred, the third is whom it is
# transferred to. Each call ends in exactly these states, at its owner and at two monitors.
# ctest-args: udp
# ctest-args: tcp
# ctest-timeout: 120
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
source "$(dirname "$0")/sip_owners_common.sh"
transport=${1:-udp}
take_ports port port_2 port_3

# transfer_row NAME | STEPS 0 | STEPS 1 | STEPS 2 | STATES 0 | STATES 1 | STATES 2
transfer_row() {
    local name steps=() states=() i arguments all
    IFS='|' read -r name 'steps[0]' 'steps[1]' 'steps[2]' 'states[0]' 'states[1]' 'states[2]' <<<"$1"
    sip_trim name 'states[0]' 'states[1]' 'states[2]'
    [ -z "${SIP_ONLY:-}" ] || [[ $name =~ $SIP_ONLY ]] || return 0
    owners_begin
    for i in 2 1 0; do
        read -ra arguments <<<"${steps[i]}"
        owner_start "$i" "${arguments[@]}"
    done
    all="UNKNOWN ${states[0]//; /; UNKNOWN }; ${states[1]}; ${states[2]}"
    owners_end "$row_seconds" "$name" "$all" "${states[@]}"
}

sip_start "listen = {\"127.0.0.1:$port\", \"127.0.0.1:$port_2\", \"127.0.0.1:$port_3\"} trying_ms = 0 t1_ms = 100 refer = anybody replace = anybody" 3
a="sip:1@127.0.0.1:$port_2;transport=$transport"
b="sip:2@127.0.0.1:$port_3;transport=$transport"
talk="CONNECTED/ACTIVE CONNECTED/ACTIVEHELD"
end="DISCONNECTED/NORMAL IDLE"
mapfile -t rows <<END_OF_TABLE
blind | --dial $a CONNECTED:transfer=$b | --monitor --count 2 OFFERING:answer --then DIALING:take CONNECTED:drop | OFFERING:accept ACCEPTED:answer | DIALING PROCEEDING CONNECTED/ACTIVE IDLE | OFFERING/ACTIVE CONNECTED/ACTIVE $end; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE $end | OFFERING/ACTIVE ACCEPTED CONNECTED/ACTIVE $end
blind_rejected | --dial $a CONNECTED:transfer=$b REFUSED:drop | --monitor --count 2 OFFERING:answer --then DIALING:take | OFFERING:drop | DIALING PROCEEDING CONNECTED/ACTIVE $end | OFFERING/ACTIVE CONNECTED/ACTIVE $end; DIALING PROCEEDING DISCONNECTED/REJECT IDLE | OFFERING/ACTIVE DISCONNECTED/REJECT IDLE
attended | --dial $a --count 2 CONNECTED:setup=$b --then CONNECTED:complete | --monitor --count 2 OFFERING:answer --then DIALING:take | --count 2 OFFERING:answer --then OFFERING:nothing CONNECTED:drop | DIALING PROCEEDING CONNECTED/ACTIVE ONHOLDPENDTRANSFER IDLE; DIALING PROCEEDING CONNECTED/ACTIVE IDLE | OFFERING/ACTIVE $talk $end; DIALING PROCEEDING CONNECTED/ACTIVE $end | OFFERING/ACTIVE CONNECTED/ACTIVE $end; OFFERING/ACTIVE CONNECTED/ACTIVE $end
swapped | --dial $a --count 2 CONNECTED:setup=$b CONNECTED:swap --then CONNECTED:swap CONNECTED:complete | --monitor --count 2 OFFERING:answer --then DIALING:take | --count 2 OFFERING:answer --then OFFERING:nothing CONNECTED:drop | DIALING PROCEEDING CONNECTED/ACTIVE ONHOLDPENDTRANSFER CONNECTED/ACTIVE ONHOLDPENDTRANSFER IDLE; DIALING PROCEEDING CONNECTED/ACTIVE ONHOLD CONNECTED/ACTIVE IDLE | OFFERING/ACTIVE $talk $talk $end; DIALING PROCEEDING CONNECTED/ACTIVE $end | OFFERING/ACTIVE $talk CONNECTED/ACTIVE $end; OFFERING/ACTIVE CONNECTED/ACTIVE $end
while_ringing | --dial $a --count 2 CONNECTED:setup=$b --then RINGBACK:complete | --monitor --count 2 OFFERING:answer --then DIALING:take CONNECTED:drop | --count 2 OFFERING:accept --then OFFERING:answer | DIALING PROCEEDING CONNECTED/ACTIVE ONHOLDPENDTRANSFER IDLE; DIALING PROCEEDING RINGBACK IDLE | OFFERING/ACTIVE $talk $end; DIALING PROCEEDING CONNECTED/ACTIVE $end | OFFERING/ACTIVE ACCEPTED DISCONNECTED/CANCELLED IDLE; OFFERING/ACTIVE CONNECTED/ACTIVE $end
taken_back | --dial $a --count 2 CONNECTED:setup=$b CONNECTED:drop --then CONNECTED:retrieve | OFFERING:answer | OFFERING:answer | DIALING PROCEEDING CONNECTED/ACTIVE ONHOLDPENDTRANSFER CONNECTED/ACTIVE $end; DIALING PROCEEDING CONNECTED/ACTIVE $end | OFFERING/ACTIVE $talk CONNECTED/ACTIVE $end | OFFERING/ACTIVE CONNECTED/ACTIVE $end
END_OF_TABLE
for row in "${rows[@]}"; do
    transfer_row "$row"
done
wait_for 60 "nothing is left" sip_nothing_lives || sip_complain "left: $(sip_live)"
sip_end

# With the defaults a transfer is refused: its owner is told so.
sip_start "listen = {\"127.0.0.1:$port\", \"127.0.0.1:$port_2\", \"127.0.0.1:$port_3\"} trying_ms = 0" 3
transfer_row "not_allowed | --dial $a CONNECTED:transfer=$b REFUSED:drop | OFFERING:answer | --count 0 | DIALING PROCEEDING CONNECTED/ACTIVE $end | OFFERING/ACTIVE CONNECTED/ACTIVE $end |"
sip_end
sip_verdict
