#!/usr/bin/env bash
# Garbage on the SIP port is counted and dropped; calls go on.
# ctest-timeout: 120
source "$(dirname "$0")/common.sh"
command -v sipp >/dev/null || exit 77
port=$(free_port)
service_start "provider sip { command = \"callfan-sip\" listen = {\"127.0.0.1:$port\"} }"
lines_are_up 1
run_aside owner "$bin/callfan" answer
wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"
provider=$(status '.providers[0].pid')
garbage() {
    local i
    for ((i = 0; i < 200; i++)); do
        head -c $((RANDOM % 1400 + 1)) /dev/urandom >"/dev/udp/127.0.0.1/$port"
        printf 'INVITE sip:x SIP/2.0\r\nVia: %s\r\n\r\n' "$i" >"/dev/udp/127.0.0.1/$port"
        printf 'BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%s\r\nContent-Length: 99999\r\n\r\n' "$i" \
            >"/dev/udp/127.0.0.1/$port"
        printf '\0\0\0\0' >"/dev/udp/127.0.0.1/$port"
    done
}
garbage &
garbage_pid=$!
sender=$!
code=0
(cd "$service_folder" && exec timeout -s KILL 60 sipp -sn uac "127.0.0.1:$port" -i 127.0.0.1 -m 40 -r 20 -nostdin >sipp.out 2>&1) || code=$?
wait "$sender"
[ "$code" -eq 0 ] || fail "sipp ended with $code"
[ "$(status '.providers[0].pid')" = "$provider" ] || fail "the provider was restarted"
wait_for 30 "the end of all calls" status_is '[.totals.calls_ended, .totals.calls_live] | tostring' '[40,0]'
