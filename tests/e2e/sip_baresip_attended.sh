#!/usr/bin/env bash
# Transfers with consultation among baresip, a telephone, and two lines of callfan-sip: it is transferred, it is whom somebody is transferred to, both, and it
# transfers, over UDP and TCP. baresip 1.0 knows no Replaces: whoever takes the place of a call there, or whom it calls so, has a new call.
# ctest-timeout: 180
# ctest-labels: one-thread
source "$(dirname "$0")/phone_common.sh"
take_ports port port_2 phone _ control rtp_first _ _ _ _ _ rtp_last phone_2 _ control_2 rtp_first_2 _ _ _ _ _ rtp_last_2
sip_start "listen = {\"127.0.0.1:$port\", \"127.0.0.1:$port_2\"} trying_ms = 0 t1_ms = 100 refer = anybody replace = anybody" 2
phone_options=(-s) # its trace tells the names of dialogs
phone_start
phone_start second "$phone_2" "$control_2" "$rtp_first_2" "$rtp_last_2"
end="DISCONNECTED/NORMAL IDLE"

# dialog_of TO: "Call-ID TAG_OF_PHONE TAG_OF_TO" of the newest call of the telephone's to that address.
dialog_of() {
    tr -d '\r' <"$service_folder/phone.out" | awk -v to="$1" '
        /^SIP\/2.0 200 / { good = 1 }
        /^[A-Z]+ sip:/ { good = 0 }
        /^From: / && good { from = $0; sub(/.*;tag=/, "", from) }
        /^To: / && good { mine = index($0, to) > 0; other = $0; sub(/.*;tag=/, "", other) }
        /^Call-ID: / && good { id = $2 }
        /^CSeq: .* INVITE$/ && good && mine { found = id " " from " " other }
        END { print found }'
}

for transport in udp tcp; do
    called="sip:phone@127.0.0.1:$phone;transport=$transport"
    second="sip:second@127.0.0.1:$phone_2;transport=$transport"
    other="sip:5550200@127.0.0.1:$port_2;transport=$transport"
    first_states="DIALING RINGBACK CONNECTED/ACTIVE ONHOLDPENDTRANSFER"

    # We call it, consult the other line and put the two together: it calls the other line, which has a new call beside the one that we end.
    closed=$(phone_events CALL_CLOSED)
    owners_start "--dial $called --count 2 CONNECTED:setup=$other --then CONNECTED:complete" \
        "--count 2 OFFERING:answer --then OFFERING:answer CONNECTED:nothing"
    wait_for 30 "$transport: the transfer" grep -q '"message":"end"' "$service_folder/owner_1.out"
    kill -USR1 "${owner_pids[0]}" # the other line's owner hangs up the new one
    two_end "it is transferred" "$first_states IDLE; DIALING PROCEEDING CONNECTED/ACTIVE IDLE" \
        "OFFERING/ACTIVE CONNECTED/ACTIVE $end; OFFERING/ACTIVE CONNECTED/ACTIVE $end" \
        "UNKNOWN $first_states IDLE; UNKNOWN DIALING PROCEEDING CONNECTED/ACTIVE IDLE; OFFERING/ACTIVE CONNECTED/ACTIVE $end; OFFERING/ACTIVE CONNECTED/ACTIVE $end"
    wait_for 30 "$transport: baresip sees the end of both" phone_was_told CALL_CLOSED $((closed + 2))

    # We call it, consult another baresip and put the two together: they talk with each other, and with us no more.
    closed=$(phone_events CALL_CLOSED) closed_2=$(phone_events CALL_CLOSED second)
    phone_calls
    owners_start "--dial $called --count 2 CONNECTED:setup=$second --then CONNECTED:complete" "--count 0"
    two_end "both are baresip" "$first_states IDLE; DIALING RINGBACK CONNECTED/ACTIVE IDLE" "" \
        "UNKNOWN $first_states IDLE; UNKNOWN DIALING RINGBACK CONNECTED/ACTIVE IDLE"
    wait_for 30 "$transport: each has lost one call" phone_was_told CALL_CLOSED $((closed + 1))
    wait_for 30 "$transport: each has lost one call" phone_was_told CALL_CLOSED $((closed_2 + 1)) second
    phone_talks 2
    phone_do hangup
    wait_for 30 "$transport: both see the end" phone_was_told CALL_CLOSED $((closed_2 + 2)) second

    # It is consulted, and the other line, with which we talked first, is to take its place there. That wants Replaces, which it has not: 420. Both calls go on.
    owners_start "--dial $other --count 2 CONNECTED:setup=$called --then CONNECTED:complete REFUSED:drop_both" \
        "--monitor --count 2 OFFERING:answer --then DIALING:take"
    first="DIALING PROCEEDING CONNECTED/ACTIVE ONHOLDPENDTRANSFER $end; DIALING RINGBACK CONNECTED/ACTIVE $end"
    second_states="OFFERING/ACTIVE CONNECTED/ACTIVE CONNECTED/ACTIVEHELD $end; DIALING DISCONNECTED/INCOMPATIBLE IDLE"
    two_end "it is consulted" "$first" "$second_states" "UNKNOWN ${first/; /; UNKNOWN }; $second_states"
    grep -q '"error":"LINEERR_OPERATIONUNAVAIL"' "$service_folder/owner_0.out" ||
        sip_complain "it is consulted ($transport): $(grep refused "$service_folder/owner_0.out")"

    # It calls us, holds, calls the other line and transfers that call to the place of the first, named as its trace shows: it has no command for that.
    phone_calls
    closed=$(phone_events CALL_CLOSED)
    owners_start "--count 2 OFFERING:answer --then OFFERING:nothing CONNECTED:drop" \
        "--monitor --count 2 OFFERING:answer --then DIALING:take"
    phone_do dial "sip:5550100@127.0.0.1:$port;transport=$transport"
    wait_for 30 "$transport: the first call" line_was_told 0 CONNECTED
    phone_talks 1
    phone_do hold
    wait_for 30 "$transport: the hold" line_was_told 0 CONNECTED ACTIVEHELD
    phone_do dial "$other"
    wait_for 30 "$transport: the second call" line_was_told 1 CONNECTED
    phone_talks 2
    read -r id tag tag_there <<<"$(dialog_of ":$port;")"
    phone_do transfer "<sip:callfan@127.0.0.1:$port;transport=$transport?Replaces=${id/@/%40}%3Bto-tag%3D$tag_there%3Bfrom-tag%3D$tag>"
    two_end "it transfers" "OFFERING/ACTIVE CONNECTED/ACTIVE CONNECTED/ACTIVEHELD $end; OFFERING/ACTIVE CONNECTED/ACTIVE $end" \
        "OFFERING/ACTIVE CONNECTED/ACTIVE $end; DIALING PROCEEDING CONNECTED/ACTIVE $end"
    wait_for 30 "$transport: baresip sees the end of both" phone_was_told CALL_CLOSED $((closed + 2))
done
sip_end
sip_verdict
