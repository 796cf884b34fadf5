#!/usr/bin/env bash
# Incoming calls from sipp, over UDP and TCP: each ends in exactly these states, at the owner and at two monitors.
# ctest-args: udp
# ctest-args: tcp
# ctest-timeout: 180
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp}
take_ports port peer_port
sip_address=("127.0.0.1:$port")
listen="listen = {\"127.0.0.1:$port\"} $sip_patience"
sip_start "$listen"
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
session_too_short | caller_is_too_quick | | 0 | none |
caller_behind_proxies | caller_behind_proxies | | 0 | own OFFERING:answer CONNECTED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_end

# A call that is dropped gets 486, one that nobody answers 480 after five seconds.
sip_start "$listen drop_status = 486 ring_limit_ms = 5000"
sip_table <<'END_OF_TABLE'
busy | caller_gets_busy | | 0 | own OFFERING:drop | OFFERING/ACTIVE DISCONNECTED/BUSY IDLE
nobody_answers | caller_gets_no_answer | | 0 | own OFFERING:accept | OFFERING/ACTIVE ACCEPTED DISCONNECTED/NOANSWER IDLE
nobody_looks | caller_gets_no_answer | | 0 | own | OFFERING/ACTIVE DISCONNECTED/NOANSWER IDLE
END_OF_TABLE
sip_end

# Callers must authenticate. SHA-256 and MD5 are offered; others who can are in sip_loop.sh.
sip_start "$listen admit = {\"alice:secret\"}"
sip_table <<'END_OF_TABLE'
not_admitted | caller_is_challenged | | 0 | none |
END_OF_TABLE
sip_end

# Peers that know MD5 alone; the nonce, the realm and the response are sipp's own work.
sip_start "$listen admit = {\"bob:other\", \"alice:secret\"} digest = {MD5}"
sip_table <<'END_OF_TABLE'
admitted | caller_authenticates | | 0 | own OFFERING:answer | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_end

# What the caller says of itself and of who was called first is believed.
sip_start "$listen trust_asserted = true"
sip_table <<'END_OF_TABLE'
named | caller_is_named | info=.caller == "5550199" and .caller_name == "Asserted" and .redirecting == "5550123" and .reason == 2 | 0 | own OFFERING:answer | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
wants_100rel | caller_wants_100rel | | 0 | own OFFERING:accept | OFFERING/ACTIVE ACCEPTED DISCONNECTED/CANCELLED IDLE
digits | caller_hears_digits | | 0 | own OFFERING:answer CONNECTED:digits=1#D SENT:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
dials | caller_dials_digits | info=.heard == "1*5#" and .gathered == "1*5#:2" | 0 | own OFFERING:listen THEN:gather=9,#,20000,20000 THEN:answer GATHERED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
dials_nothing | caller_is_hung_up | info=.gathered == ":4" | 0 | own OFFERING:gather=2,#,3000 THEN:answer GATHERED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
dials_until_the_end | caller_hangs_up | pause=50&info=.gathered == ":16" | 0 | own OFFERING:gather=2,# THEN:answer GATHERED:nothing | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
we_hold | caller_is_held | | 0 | own OFFERING:answer CONNECTED:hold ONHOLD:unhold CONNECTED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE ONHOLD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
both_hold | caller_holds_too | | 0 | own OFFERING:answer CONNECTED:hold | OFFERING/ACTIVE CONNECTED/ACTIVE ONHOLD DISCONNECTED/NORMAL IDLE
hold_while_held | caller_holds_and_is_held | | 0 | own OFFERING:answer CONNECTED/ACTIVEHELD:hold ONHOLD:unhold CONNECTED/ACTIVEHELD:nothing CONNECTED/ACTIVE:nothing | OFFERING/ACTIVE CONNECTED/ACTIVE CONNECTED/ACTIVEHELD ONHOLD CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_end
sip_verdict
