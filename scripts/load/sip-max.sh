# Sourced by scripts/load.sh: the mode sip-max.
# shellcheck shell=bash

# sip_step: calls at the present rate. Prints what came of them; false when one failed, or the calls were not made that fast.
sip_step() {
    local calls=$((rate * seconds)) code=0 from took
    adapter_begin
    from=$(now_ms)
    (cd "$service_folder" && exec "${measured[@]}" timeout -s KILL $((seconds * 2 + 60)) sipp -sn uac "127.0.0.1:$sip_port" -i 127.0.0.1 \
        -r "$rate" -m "$calls" -l $((rate * 4)) -nostdin >sipp.out 2>&1) || code=$?
    took=$(($(now_ms) - from))
    wait_for 60 "the end of all calls" status_is .totals.calls_live 0 || return 1
    echo "$rate calls/s wanted, $((calls * 1000 / took)) made; sipp ended with $code:" \
        "$(grep -E 'Failed call|Retransmissions' "$service_folder/sipp.out" | tail -n 2 | tr -s ' \n' ' ' || true)"
    adapter_end "$calls"
    [ "$code" -eq 0 ] && [ $((calls * 1100)) -ge $((rate * took)) ]
}

# Faster by a quarter each time; the same service for all.
run_sip_max() {
    local best=0
    echo "== sip-max: from $rate calls/s on, $seconds s each, and an owner"
    make_folder
    service_start "$(globals; sip_section "calls_max = 65536")"
    lines_are_up 1
    run_aside owner "$bin/callfan" answer
    owner_pid=$aside_pid
    wait_for 30 "the owner" grep -q ready "$service_folder/owner.err"
    while [ "$rate" -le 100000 ] && sip_step; do
        best=$rate
        rate=$((rate * 5 / 4))
    done
    echo "sip-max: $best calls/s without a failed call"
    if [ "$best" -eq 0 ]; then
        fail "not even the first rate was reached"
    fi
    service_stop || result=1
}
