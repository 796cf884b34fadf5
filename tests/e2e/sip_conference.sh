#!/usr/bin/env bash
# Conferences with sipp as the focus and as everybody in them, over UDP and TCP: made of a call, of two, with one more, with one less, whom
# we remove or who leaves; and those that do not come about. Each ends in exactly these states, at the owner and at two monitors.
# ctest-args: udp
# ctest-args: tcp
# ctest-timeout: 180
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp}
take_ports port peer_port other_port focus_port
sip_address=("127.0.0.1:$port")
a="sip:5550200@127.0.0.1:@peer@;transport=@transport@"
b="sip:5550300@127.0.0.1:@other@;transport=@transport@"
ok="focus=focus&focus_status=200 OK"

# The first call is dialled or comes in; what is made of it is UNKNOWN to monitors first.
sip_start "listen = {\"127.0.0.1:$port\"} $sip_patience conference = {\"sip:factory@127.0.0.1:$focus_port;transport=$transport\"}"
sip_table <<END_OF_TABLE
of_a_caller | caller_is_hung_up | $ok&also=callee_answers | 0 | own --count 3 OFFERING:answer CONNECTED:conference=$b --then ONHOLDPENDCONF:nothing CONNECTED:drop --then CONNECTED:join | OFFERING/ACTIVE CONNECTED/ACTIVE CONFERENCED IDLE; ONHOLDPENDCONF CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE CONFERENCED IDLE | OFFERING/ACTIVE CONNECTED/ACTIVE CONFERENCED IDLE; UNKNOWN ONHOLDPENDCONF CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; UNKNOWN DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE CONFERENCED IDLE
of_a_callee | callee_answers | $ok&also=callee_answers | 0 | dial $a --count 3 CONNECTED:conference --then ONHOLDPENDCONF:nothing CONNECTED:drop --then DIALTONE:dial=$b CONNECTED:join | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE CONFERENCED IDLE; ONHOLDPENDCONF CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALTONE/NORMAL DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE CONFERENCED IDLE
removed | callee_answers | $ok&also=callee_answers | 0 | dial $a --count 3 CONNECTED:conference=$b CONFERENCED:nothing IDLE:nothing --then ONHOLDPENDCONF:nothing CONNECTED:nothing --then CONNECTED:join CONFERENCED:remove IDLE:drop_other | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE CONFERENCED IDLE; ONHOLDPENDCONF CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE CONFERENCED IDLE
merged | callee_stays_held | $ok&also=callee_answers | 0 | dial $a --count 3 CONNECTED:setup=$b --then CONNECTED:merge --then CONNECTED:drop | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER CONFERENCED IDLE; CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE CONFERENCED IDLE
focus_ends | caller_is_hung_up | focus=focus_hangs_up | 0 | own --count 3 OFFERING:answer CONNECTED:conference --then IDLE:nothing --then DIALTONE:drop | OFFERING/ACTIVE CONNECTED/ACTIVE CONFERENCED IDLE; ONHOLDPENDCONF DISCONNECTED/NORMAL IDLE; DIALTONE/NORMAL IDLE | OFFERING/ACTIVE CONNECTED/ACTIVE CONFERENCED IDLE; UNKNOWN ONHOLDPENDCONF DISCONNECTED/NORMAL IDLE; UNKNOWN DIALTONE/NORMAL IDLE
not_taken | caller_is_hung_up | focus=focus&focus_status=603 Decline | 0 | own --count 3 OFFERING:answer CONNECTED:conference REFUSED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
no_focus | caller_is_hung_up | focus=callee_answers | 0 | own --count 3 OFFERING:answer CONNECTED:conference=$b REFUSED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
no_factory | caller_is_hung_up | focus=callee_refuses&focus_status=404 Not Found | 0 | own --count 3 OFFERING:answer CONNECTED:conference REFUSED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
not_merged | callee_stays_held | focus=callee_refuses&focus_status=486 Busy Here&also=callee_answers | 0 | dial $a --count 3 CONNECTED:setup=$b --then CONNECTED:merge REFUSED:drop_both | DIALING CONNECTED/ACTIVE ONHOLDPENDTRANSFER DISCONNECTED/NORMAL IDLE; DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
# Of two requests in one segment (SUBSCRIBE, REFER) sipp does not take the second while it answers the first.
[ "$transport" = tcp ] || sip_table <<END_OF_TABLE
leaves | caller_is_hung_up | focus=focus_tells&focus_word=127.0.0.1:@peer@ | 0 | own --count 2 OFFERING:answer CONNECTED:conference IDLE:nothing --then ONHOLDPENDCONF:nothing --then DIALTONE:drop | OFFERING/ACTIVE CONNECTED/ACTIVE CONFERENCED DISCONNECTED/NORMAL IDLE; ONHOLDPENDCONF; DIALTONE/NORMAL IDLE | OFFERING/ACTIVE CONNECTED/ACTIVE CONFERENCED DISCONNECTED/NORMAL IDLE; UNKNOWN ONHOLDPENDCONF DISCONNECTED/NORMAL IDLE; UNKNOWN DIALTONE/NORMAL IDLE
END_OF_TABLE
sip_end
sip_verdict
