# Sourced by scripts/load.sh: the mode sip, and what the other modes with sipp share.
# shellcheck shell=bash

take_ports sip_port sip_peer_port
# sip_section [MORE KEYS]
sip_section() {
    cat <<END
provider sip {
    command = "callfan-sip"
    listen = {"127.0.0.1:$sip_port"}
    gather_us = $gather_us
    ${1:-}
}
END
}

# sipp_ended CODE: what sipp counted, and whether that was all.
sipp_ended() {
    echo "sipp ended with $1: $(grep -E 'Successful call|Failed call' "$service_folder/sipp.out" | tail -n 2 | tr -s ' \n' ' ' || true)"
    if [ "$1" -ne 0 ]; then
        fail "sipp ended with $1"
    fi
}

run_sip() {
    local calls=$((rate * seconds)) code=0
    echo "== sip: $rate calls/s for $seconds s, an owner and $monitors monitors"
    make_folder
    service_start "$(globals; sip_section)"
    lines_are_up 1
    start_monitors --states 'OFFERING,(ACCEPTED),CONNECTED,DISCONNECTED,IDLE' --calls "$calls"
    run_aside owner "$bin/callfan" answer
    owner_pid=$aside_pid
    wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"
    growth_start
    adapter_begin
    (cd "$service_folder" && exec "${measured[@]}" timeout -s KILL $((seconds * 2 + 60)) sipp -sn uac "127.0.0.1:$sip_port" -i 127.0.0.1 \
        -r "$rate" -m "$calls" -l $((rate * 4)) -nostdin -trace_err >sipp.out 2>&1) || code=$?
    sipp_ended "$code"
    wait_for 60 "the end of all calls" traffic_has_ended "$calls" || result=1
    print_cpu
    adapter_end "$calls"
    growth_end "$seconds"
    kill -TERM "$owner_pid" 2>/dev/null || true
    wait "$owner_pid" || fail "the owner ended with $?"
    cat "$service_folder/owner.err"
    owner_pid=
    end_monitors
    finish
}
