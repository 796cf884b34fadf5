#!/usr/bin/env bash
# Transfers with sipp as every other party, over UDP and TCP: what we transfer, what others transfer, who takes whose place. Each ends in
# exactly these states, at the owner and at two monitors.
# ctest-args: udp
# ctest-args: tcp
# ctest-timeout: 180
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp}
take_ports port peer_port other_port
sip_address=("127.0.0.1:$port")
listen="listen = {\"127.0.0.1:$port\"} $sip_patience"
a="sip:5550200@127.0.0.1:@peer@;transport=@transport@"
b="sip:5550300@127.0.0.1:@other@;transport=@transport@"

# We transfer.
sip_start "$listen"
sip_table <<END_OF_TABLE
# name | sipp | its options | line | owner | states of each call; (of the monitors: the same, after UNKNOWN)
blind | callee_is_transferred | status=200 OK | 0 | dial $a CONNECTED:transfer=$b | DIALING CONNECTED/ACTIVE IDLE
blind_busy | callee_is_transferred | status=486 Busy Here | 0 | dial $a CONNECTED:transfer=$b REFUSED:drop | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
blind_refused | callee_refuses_transfer | status=603 Decline | 0 | dial $a CONNECTED:transfer=$b REFUSED:drop | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
blind_not_known | callee_refuses_transfer | status=501 Not Implemented | 0 | dial $a CONNECTED:transfer=$b REFUSED:drop | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
blind_gone | callee_goes_away | | 0 | dial $a CONNECTED:transfer=$b REFUSED:nothing | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
attended | callee_is_transferred_to_call | status=200 OK&also=callee_answers | 0 | dial $a --count 2 CONNECTED:setup=$b --then CONNECTED:complete | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER IDLE; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE IDLE
attended_ringing | callee_is_transferred_blind | status=200 OK&also=callee_rings | 0 | dial $a --count 2 CONNECTED:setup=$b --then RINGBACK:complete | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER IDLE; DIALING RINGBACK IDLE
attended_fails | callee_is_transferred_to_call | status=603 Decline&also=callee_answers | 0 | dial $a --count 2 CONNECTED:setup=$b --then CONNECTED:complete REFUSED:drop_both | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER DISCONNECTED/NORMAL IDLE; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
taken_back | callee_is_held | also=callee_answers | 0 | dial $a --count 2 CONNECTED:setup=$b CONNECTED:drop --then CONNECTED:retrieve | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
consulted_hangs_up | callee_is_held | also=callee_hangs_up&also_word=Q.850;cause=16 | 0 | dial $a --count 2 CONNECTED:setup=$b CONNECTED:drop --then CONNECTED:nothing IDLE:retrieve | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
dial_tone | callee_is_held | | 0 | dial $a --count 2 CONNECTED:setup CONNECTED:drop --then DIALTONE:retrieve | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALTONE/NORMAL IDLE
dialled | callee_is_transferred_to_call | status=200 OK&also=callee_answers | 0 | dial $a --count 2 CONNECTED:setup --then DIALTONE:dial=$b CONNECTED:complete | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER IDLE; DIALTONE/NORMAL DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE IDLE
dialled_nowhere | callee_is_held | | 0 | dial $a --count 2 CONNECTED:setup CONNECTED:drop --then DIALTONE:dial=5550300 REFUSED:retrieve | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALTONE/NORMAL IDLE
redirected | caller_is_redirected | | 0 | own OFFERING:redirect=sip:5550300@example.com | OFFERING/ACTIVE DISCONNECTED/FORWARDED IDLE
redirected_nowhere | caller_is_refused | | 0 | own OFFERING:redirect=5550300 REFUSED:drop | OFFERING/ACTIVE DISCONNECTED/REJECT IDLE
END_OF_TABLE
sip_end

# Others transfer, and may.
sip_start "$listen refer = anybody replace = anybody"
sip_table <<END_OF_TABLE
referred | caller_transfers | status=200 OK&word=127.0.0.1:@other@&also=callee_takes_transfer&info=.reason == 1 or (.reason == 256 and .redirecting == "caller") | 0 | own --monitor --count 2 OFFERING:answer --then DIALING:take CONNECTED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
referred_in_vain | caller_transfers | status=486 Busy Here&word=127.0.0.1:@other@&also=callee_refuses&also_status=486 Busy Here | 0 | own --monitor --count 2 OFFERING:answer --then DIALING:take | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALING BUSY/STATION DISCONNECTED/BUSY IDLE
replaced | caller_is_replaced | info=.reason == 1 or (.reason == 256 and .redirecting == "boss") | 0 | own --count 2 OFFERING:answer --then CONNECTED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
replaces_nothing | caller_replaces_nothing | | 0 | none |
END_OF_TABLE
sip_end

# The default: who is no peer may not.
sip_start "$listen"
sip_table <<END_OF_TABLE
may_not_refer | caller_may_not_transfer | status=405&word=127.0.0.1:9 | 0 | own OFFERING:answer | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_end
sip_verdict
