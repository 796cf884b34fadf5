#!/usr/bin/env bash
# Incoming calls from sipp, over UDP and TCP: each ends in exactly these states, at the owner and at two monitors.
# ctest-args: udp
# ctest-args: tcp
# ctest-timeout: 180
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp}
sip_ports port impatient strict peer_port other_port
# Line 0 as it comes; line 1 answers 486 when dropped; line 2 gives up ringing soon.
sip_address=("127.0.0.1:$port")
sip_start "listen = {\"127.0.0.1:$port\"}"
sip_table <<'END_OF_TABLE'
# name | sipp | its options | line | owner | states (of the monitors: the same)
caller_hangs_up | caller_hangs_up | pause=50 | 0 | own OFFERING:answer | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
rings_first | caller_hangs_up | pause=50 | 0 | own OFFERING:accept ACCEPTED:answer | OFFERING/ACTIVE ACCEPTED CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
owner_hangs_up | caller_is_hung_up | | 0 | own OFFERING:answer CONNECTED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
reason_17 | caller_hangs_up_reason | word=Q.850;cause=17 | 0 | own OFFERING:answer | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/BUSY IDLE
owner_rejects | caller_is_refused | | 0 | own OFFERING:drop | OFFERING/ACTIVE DISCONNECTED/REJECT IDLE
owner_rejects_ringing | caller_is_refused | | 0 | own OFFERING:accept ACCEPTED:drop | OFFERING/ACTIVE ACCEPTED DISCONNECTED/REJECT IDLE
caller_gives_up | caller_cancels | | 0 | own OFFERING:accept | OFFERING/ACTIVE ACCEPTED DISCONNECTED/CANCELLED IDLE
answered_elsewhere | caller_cancels_reason | word=SIP;cause=200;text="Call completed elsewhere" | 0 | own OFFERING:accept | OFFERING/ACTIVE ACCEPTED DISCONNECTED/PICKUP IDLE
caller_holds | caller_holds | pause=50 | 0 | own OFFERING:answer | OFFERING/ACTIVE CONNECTED/ACTIVE CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
caller_behind_proxies | caller_behind_proxies | | 0 | own OFFERING:answer CONNECTED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_finish
