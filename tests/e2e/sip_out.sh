#!/usr/bin/env bash
# Outgoing calls to sipp, over UDP and TCP: each ends in exactly these states, at the owner and at two monitors.
# ctest-args: udp
# ctest-args: tcp
# ctest-timeout: 180
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp}
sip_knows peer || exit 77
take_ports port port_2 peer_port other_port
keys="listen = {\"127.0.0.1:$port\", \"127.0.0.1:$port_2\"} peer = {\"127.0.0.1:$peer_port\"} transport = {$transport} number = {\"5550100\"}
username = {alice, alice} password = {secret, wrong}"

# Line 0 as it is, line 1 with a wrong password.
sip_start "$keys $sip_patience" 2
sip_table <<'END_OF_TABLE'
# name | sipp | its options | line | owner | states (of the monitors: the same)
answered | callee_answers | | 0 | dial 5550200 CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
answered_late | callee_answers | pause=800 | 0 | dial 5550200 CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
progress | callee_progresses | | 0 | dial 5550200 CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
callee_hangs_up | callee_hangs_up | word=Q.850;cause=16 | 0 | dial 5550200 | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
dials | callee_dials_digits | info=.heard == "4D" and .gathered == "4D:8" | 0 | dial 5550200 DIALING:listen THEN:gather=9,#,20000,5000 CONNECTED:digits=0 GATHERED:drop | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
hangs_up_38 | callee_hangs_up | word=Q.850;cause=38 | 0 | dial 5550200 | DIALING CONNECTED/ACTIVE DISCONNECTED/UNREACHABLE IDLE
user_at_host | callee_answers | | 0 | dial 5550200@example.com CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
a_sip_uri | callee_answers | | 0 | dial sip:5550200@example.com CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
a_tel_uri | callee_answers | | 0 | dial tel:+15550200 CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
busy | callee_refuses | status=486 Busy Here | 0 | dial 5550200 | DIALING BUSY/STATION DISCONNECTED/BUSY IDLE
busy_everywhere | callee_rings_refuses | status=600 Busy Everywhere | 0 | dial 5550200 | DIALING RINGBACK BUSY/STATION DISCONNECTED/BUSY IDLE
rejected | callee_refuses | status=603 Decline | 0 | dial 5550200 | DIALING DISCONNECTED/REJECT IDLE
unreachable | callee_refuses | status=480 Temporarily Unavailable | 0 | dial 5550200 | DIALING DISCONNECTED/UNREACHABLE IDLE
no_answer_there | callee_rings_refuses | status=480 Temporarily Unavailable | 0 | dial 5550200 | DIALING RINGBACK DISCONNECTED/NOANSWER IDLE
no_such_number | callee_refuses | status=404 Not Found | 0 | dial 5550200 | DIALING DISCONNECTED/BADADDRESS IDLE
number_changed | callee_refuses | status=410 Gone | 0 | dial 5550200 | DIALING DISCONNECTED/NUMBERCHANGED IDLE
forbidden | callee_refuses | status=403 Forbidden | 0 | dial 5550200 | DIALING DISCONNECTED/BLOCKED IDLE
congestion | callee_refuses | status=503 Service Unavailable | 0 | dial 5550200 | DIALING DISCONNECTED/CONGESTION IDLE
not_acceptable | callee_refuses | status=488 Not Acceptable Here | 0 | dial 5550200 | DIALING DISCONNECTED/INCOMPATIBLE IDLE
reason_21 | callee_refuses_reason | status=480 Temporarily Unavailable&word=Q.850;cause=21 | 0 | dial 5550200 | DIALING DISCONNECTED/REJECT IDLE
we_give_up | callee_rings | | 0 | dial 5550200 RINGBACK:drop | DIALING RINGBACK DISCONNECTED/CANCELLED IDLE
answer_crosses_cancel | callee_answers_cancel | | 0 | dial 5550200 RINGBACK:drop | DIALING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
redirected | callee_redirects_here | word=127.0.0.1:@other@ | 0 | dial 5550200 CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
digest_401 | callee_challenges | | 0 | dial 5550200 CONNECTED:drop | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
digest_407 | callee_proxy_challenges | | 0 | dial 5550200 CONNECTED:drop | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
wrong_password | callee_challenges | | 1 | dial 5550200 | DIALING DISCONNECTED/BLOCKED IDLE
refused_twice | callee_insists | | 0 | dial 5550200 | DIALING DISCONNECTED/REJECT IDLE
forked | callee_forks | | 0 | dial 5550200 CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
answered_twice | callee_answers_twice | | 0 | dial 5550200 | DIALING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
callee_holds | callee_holds | pause=50 | 0 | dial 5550200 | DIALING CONNECTED/ACTIVE CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
we_hold | callee_is_held | | 0 | dial 5550200 CONNECTED:hold ONHOLD:unhold CONNECTED:drop | DIALING CONNECTED/ACTIVE ONHOLD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
digits | callee_hears_digits | | 0 | dial 5550200 CONNECTED:digits=1#D SENT:drop | DIALING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
rings_reliably | callee_rings_reliably | | 0 | dial 5550200 CONNECTED:drop | DIALING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
behind_proxies | callee_behind_proxies | | 0 | dial 5550200 CONNECTED:drop | DIALING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_end

# Nobody is there: what we say is repeated for 64 T1.
sip_start "$keys t1_ms = 100" 2
sip_table <<'END_OF_TABLE'
nobody_there | nobody | | 0 | dial 5550200 | DIALING DISCONNECTED/UNREACHABLE IDLE
END_OF_TABLE
sip_end

# Redirections are not followed; provisional responses are asked for reliably; who rings for five seconds is not waited for.
sip_start "$keys $sip_patience redirects_max = 0 reliable = true ring_limit_ms = 5000" 2
sip_table <<'END_OF_TABLE'
no_answer | callee_rings | | 0 | dial 5550200 | DIALING RINGBACK DISCONNECTED/NOANSWER IDLE
not_followed | callee_redirects | word=127.0.0.1:9 | 0 | dial 5550200 | DIALING DISCONNECTED/FORWARDED IDLE
reliable | callee_rings_reliably | | 0 | dial 5550200 CONNECTED:drop | DIALING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_end

# Without a peer calls go where they say.
sip_start "listen = {\"127.0.0.1:$port\"} transport = {$transport} $sip_patience"
sip_table <<'END_OF_TABLE'
whole_uri | callee_answers | | 0 | dial sip:5550200@127.0.0.1:@peer@;transport=@transport@ CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
redirected_elsewhere | callee_redirects | also=callee_answers&word=127.0.0.1:@other@ | 0 | dial sip:5550200@127.0.0.1:@peer@;transport=@transport@ CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
END_OF_TABLE
sip_end
sip_verdict
