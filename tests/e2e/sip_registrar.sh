#!/usr/bin/env bash
# kamailio as registrar and proxy: callfan-sip registers (with digest), is called through it and calls through it, over UDP and TCP.
# ctest-args: udp MD5
# ctest-args: tcp MD5
# ctest-args: udp SHA-256
# ctest-timeout: 120
# ctest-labels: one-thread
source "$(dirname "$0")/sip_common.sh"
transport=${1:-udp} algorithm=${2:-MD5}
command -v kamailio >/dev/null || exit 77
sip_knows register || exit 77
take_ports port proxy peer_port
sip_address=("127.0.0.1:$proxy")

new_folder
mkdir "$service_folder/kamailio"
sed "s/@port@/$proxy/; s/@algorithm@/$algorithm/; s/@callee@/$peer_port/; s/@transport@/$transport/" "$scenarios/kamailio.cfg" >"$service_folder/kamailio/cfg"
# SIGTERM, should this script be killed: of SIGKILL its children would know nothing.
run_aside kamailio setpriv --pdeathsig TERM kamailio -DD -E -f "$service_folder/kamailio/cfg" -m 16 -M 4 -w "$service_folder/kamailio" \
    -Y "$service_folder/kamailio" -P "$service_folder/kamailio/pid"
wait_for 30 "kamailio" sip_bound tcp "$proxy"

sip_start "listen = {\"127.0.0.1:$port\"} peer = {\"127.0.0.1:$proxy\"} transport = {$transport} domain = {\"callfan.test\"}
$sip_patience number = {\"5550100\"} register = {true} register_s = 60 username = {alice} password = {secret}"
in_service() {
    [ "$("$bin/callfan" lines --json | jq -r .in_service)" = "$1" ]
}
wait_for 30 "the registration" in_service true
sip_table <<'END_OF_TABLE'
# name | sipp | its options | line | owner | states (of the monitors: the same)
called | caller_hangs_up | pause=50 | 0 | own OFFERING:accept ACCEPTED:answer | OFFERING/ACTIVE ACCEPTED CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
called_hangs_up | caller_is_hung_up | | 0 | own OFFERING:answer CONNECTED:drop | OFFERING/ACTIVE CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
called_given_up | caller_cancels | | 0 | own OFFERING:accept | OFFERING/ACTIVE ACCEPTED DISCONNECTED/CANCELLED IDLE
called_held | caller_holds | pause=50 | 0 | own OFFERING:answer | OFFERING/ACTIVE CONNECTED/ACTIVE CONNECTED/ACTIVEHELD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
calls | callee_answers | | 0 | dial 5550200 CONNECTED:drop | DIALING PROCEEDING RINGBACK CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
calls_hung_up | callee_hangs_up | word=Q.850;cause=16 | 0 | dial 5550200 | DIALING PROCEEDING CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
calls_busy | callee_refuses | status=486 Busy Here | 0 | dial 5550200 | DIALING PROCEEDING BUSY/STATION DISCONNECTED/BUSY IDLE
calls_gives_up | callee_rings | | 0 | dial 5550200 RINGBACK:drop | DIALING PROCEEDING RINGBACK DISCONNECTED/CANCELLED IDLE
calls_holds | callee_is_held | | 0 | dial 5550200 CONNECTED:hold ONHOLD:unhold CONNECTED:drop | DIALING PROCEEDING CONNECTED/ACTIVE ONHOLD CONNECTED/ACTIVE DISCONNECTED/NORMAL IDLE
calls_nobody | nobody | | 0 | dial 5550300 | DIALING DISCONNECTED/BADADDRESS IDLE
END_OF_TABLE
sip_end
sip_verdict
