# Sourced by scripts/load.sh: the mode sip-out.
# shellcheck shell=bash

run_sip_out() {
    local calls=$((rate * seconds)) code=0 line sipp_pid
    echo "== sip-out: $rate calls/s for $seconds s, and $monitors monitors"
    make_folder
    # A call of ours takes a client transaction for 32 s and one for 5 s (RFC 6026, timers M and K); there are two per call.
    service_start "$(globals; sip_section "peer = {\"127.0.0.1:$sip_peer_port\"} calls_max = $((rate * 24 > 16384 ? rate * 24 : 16384))")"
    lines_are_up 1
    start_monitors --states 'UNKNOWN,DIALING,(PROCEEDING),RINGBACK,CONNECTED,DISCONNECTED,IDLE' --calls "$calls"
    line=$("$bin/callfan" lines --json | jq -r .line)
    # An INVITE that comes again because sipp stood still is unexpected to it, who has sent 180 and 200 since: no reason to give up the call.
    (cd "$service_folder" && exec setsid setpriv --pdeathsig KILL "${measured[@]}" timeout -s KILL $((seconds * 2 + 120)) sipp -sn uas -i 127.0.0.1 \
        -p "$sip_peer_port" -m "$calls" -buff_size 8388608 -nostdin -default_behaviors all,-abortunexp -trace_err >sipp.out 2>&1) &
    sipp_pid=$!
    service_children+=("$sipp_pid")
    wait_for 30 "sipp" grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$sip_peer_port") " /proc/net/udp
    growth_start
    adapter_begin
    "${measured[@]}" timeout -s KILL $((seconds * 2 + 60)) "$bin/callfan" dial --line "$line" --count "$calls" --rate "$rate" --talk 0 --quiet 5550200 \
        2>"$service_folder/dial.err" || code=$?
    cat "$service_folder/dial.err"
    if [ "$code" -ne 0 ]; then
        fail "callfan dial ended with $code"
    fi
    wait_for 60 "the end of all calls" traffic_has_ended "$calls" || result=1
    print_cpu
    adapter_end "$calls"
    growth_end "$seconds"
    code=0
    wait "$sipp_pid" || code=$?
    sipp_ended "$code"
    end_monitors
    finish
}
