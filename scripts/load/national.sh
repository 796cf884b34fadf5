# Sourced by scripts/load.sh: the mode national.
# shellcheck shell=bash

# Every mobile call of a large country in its busy hours: one monitored leg each, 12 messages of each to every application. First the highest rate
# that is held without loss is looked for, with calls of a second; then calls of full length come at that rate until as many end as begin, go on
# like that for a while, and all of them end. Each call is compared at each application (callfan check --digests).
national_messages=12
national_step_hold_ms=1000
national_refinements=2
national_lower_max=6

# ------------------------------------------------------------------ memory

# In KiB: 70 % of what the machine can spare now, or what --memory-mib says, but never more than 92 %.
national_limit() {
    awk -v wanted="${memory_mib:-0}" '/^MemAvailable/ {
        limit = wanted > 0 ? wanted * 1024 : $2 * 0.7
        printf "%d\n", limit < $2 * 0.92 ? limit : $2 * 0.92 }' /proc/meminfo
}

# A ring of 64 MiB holds the better part of a second of the full load; half of the memory at most is for rings.
national_ring() {
    local kib=${given_ring_kib:-65536}
    while [ $((kib * monitors)) -gt $(($1 / 2)) ] && [ "$kib" -gt 64 ]; do
        kib=$((kib / 2))
    done
    echo "$kib"
}

# national_calls_max KIB HOLD_MS SECONDS: so many calls may live at once. Two bytes of each call that ever was are kept by the simulator and each
# application; a thirtieth is left for what is not counted here.
national_calls_max() {
    local fixed=$((131072 + monitors * (ring_kib + 8192))) each
    each=$(($(owners_call_bytes) + 2 * (monitors + 1) * ($2 + $3 * 1000) / $2))
    if [ "$1" -le "$fixed" ]; then
        echo 0
    else
        echo $((($1 - fixed) * 1024 / each * 29 / 30))
    fi
}

# national_memory CALLS HANDLES
national_memory() {
    owners_look
    owners_print "$1" "$2"
    awk -v used="${owners[all]}" -v rings="${owners[rings]}" -v calls="$1" -v limit="$national_limit_kib" -v goal="$national_goal_live" 'BEGIN {
        each = (used - rings) / calls
        printf "memory (MiB): all together %.0f of at most %.0f; without the rings %.0f bytes a live call, by which %d live calls would take %.1f GiB with them\n",
            used / 1024, limit / 1024, each * 1024, goal, (each * goal + rings) / 1048576 }'
}

# ------------------------------------------------------------------ one run

# national_begin CALLS HOLD_MS CALLS_MAX: the service with its simulator, and the applications. On a machine that is busy otherwise one of them may
# give up waiting for its port: all are begun again then, twice at most. False: not all of them are there.
national_begin() {
    local again=0
    until national_try "$@"; do
        service_stop || result=1
        again=$((again + 1))
        if [ "$again" -eq 3 ]; then
            fail "the service and its applications did not start"
            return 1
        fi
        echo "not all applications could join: once more"
    done
}

national_try() {
    local i room=$(($3 + 65536 < 33554432 ? $3 + 65536 : 33554432)) # what the layouts can hold
    make_folder
    service_start "$(globals)
hang_seconds = 60 # a core that gets no processor is none that hangs
applications = $((monitors + 4))
$(digest_section "$1" "    hold = fixed
    hold_ms = $2" "$room" "$national_messages" "$rate")"
    lines_are_up 16
    start_monitors --digests "$service_folder/digests"
    owners_find
    for ((i = 1; i <= monitors; i++)); do
        [ -s "$service_folder/ready.$i" ] || return 1
    done
}

# Calls per second as the simulator told them: its first, its newest, and how many.
national_reached() {
    od -A n -v -t u8 -j 32 -N 32 "$service_folder/digests" | tr -s ' \n' ' ' |
        awk '{ span = $4 - $3; rate = span > 0 ? ($1 - 1) * 1e9 / span + 0.5 : 0; printf "%d\n", rate }'
}

# Ends the applications. In ${lost}: "" when nothing was, "gaps" when all that was lost was told as such, else "silent".
national_end() {
    kill -TERM "$check_pid" 2>/dev/null || true
    wait "$check_pid" || true
    lost=$(jq -rs --argjson n "$monitors" '["gaps, where none is allowed", "calls with other states than were sent", "calls with states missing"] as $told |
        if length != $n or any(.gaps == 0 and (.good | not)) or any(.findings | keys - $told | length > 0) then "silent"
        elif all(.good) then "" else "gaps" end' "$service_folder/check.out")
}

# ------------------------------------------------------------------ the highest rate

# At the present rate for some seconds. True when it was held: nothing lost, and made as fast as wanted but for a twentieth and a quarter of a second.
national_step() {
    local step_seconds=$((seconds < 5 ? seconds : 5)) calls reached verdict=held
    calls=$((rate * step_seconds))
    if ! national_begin "$calls" "$national_step_hold_ms" "$calls"; then
        return 1
    fi
    wait_for_traffic "$calls" "$step_seconds"
    reached=$(national_reached)
    national_end
    if [ "$lost" = silent ]; then
        head -n 20 "$service_folder/check.err" >&2
        jq -c .findings "$service_folder/check.out" >&2
        fail "at $rate calls/s something was lost and not told"
    fi
    if [ "$lost" != "" ]; then
        verdict="not held, messages missed: $(jq -s 'map(.missed) | add' "$service_folder/check.out")"
    elif [ $((calls * 1000)) -gt $((reached * step_seconds * 1050 + reached * 250)) ]; then
        verdict="not held, the simulator was kept waiting"
    fi
    jq -rs --arg rate "$rate" --arg reached "$reached" --arg verdict "$verdict" --argjson each $((national_messages * monitors)) \
        '"\($rate) calls/s offered, \($reached) reached (\(($reached | tonumber) * $each) deliveries/s), p99 of the slowest " +
        "\(map(.latency_ns.p99) | max / 1000) us: \($verdict)"' "$service_folder/check.out"
    service_stop || result=1
    [ "$verdict" = held ] && [ "$result" -eq 0 ]
}

# Doubles from the goal / 2^--steps on, and halves what is left between the best and the first that was not held (not with --steps 0). False: none was.
national_search() {
    local goal=$rate best=0 failed=0 left=$steps refined=0 lower=0
    rate=$((goal >> left))
    while [ "$rate" -gt 0 ]; do
        if national_step; then best=$rate; else failed=$rate; fi
        if [ "$result" -ne 0 ] || [ "$best" -eq "$goal" ]; then
            break
        elif [ "$failed" -eq 0 ]; then
            left=$((left - 1))
            rate=$((goal >> left))
        elif [ "$best" -eq 0 ]; then
            lower=$((lower + 1))
            rate=$((lower > national_lower_max ? 0 : failed / 2))
        else
            refined=$((refined + 1))
            rate=$((refined > national_refinements || steps == 0 ? 0 : (best + failed) / 2))
        fi
    done
    rate=$best
    [ "$best" -gt 0 ]
}

# ------------------------------------------------------------------ calls of full length

national_look() {
    local all
    all=$(status '"\(.totals.calls_made + .totals.calls_refused) \(.totals.calls_live) \(.totals.handles_live) \(.totals.deliveries) " +
        "\([.ports[].missed] | add) \([.ports[].behind] | add) \([.ports[].pending] | add)"') || return 1
    read -r made live handles deliveries missed behind pending <<<"$all"
}

# national_watch CALLS SECONDS: until so many calls have ended, with a line now and then. In ${national_rate} the deliveries/s while as many calls
# end as begin, 0 if that was too short to see; half-way through it the memory is printed, or, if nobody looked then, at the end. False: messages are missed, or it takes more memory or
# time than it may, said in ${national_why}.
national_watch() {
    local calls=$1 every=$((hold_ms + $2 * 1000 < 60000 ? 1 : 5)) full=$((1000 + hold_ms)) from now end used
    local before=0 before_ms=0 told=no steady_ms=0 steady=0 seen=0
    made=0 live=0 handles=0 deliveries=0 missed=0 behind=0 pending=0 national_why="" national_rate=0
    end=$((full + $2 * 1000)) from=$(now_ms)
    while [ "$national_why" = "" ]; do
        pause "$every"
        national_look || continue
        now=$(($(now_ms) - from)) used=$(owners_used)
        echo "$((now / 1000)) s: calls made $made, live $live; deliveries $deliveries, $(((deliveries - before) * 1000 / (now - before_ms)))/s;" \
            "missed $missed, behind $behind; memory $((used / 1024)) MiB"
        before=$deliveries before_ms=$now
        if [ "$now" -gt "$full" ] && [ "$made" -lt "$calls" ]; then
            if [ "$steady_ms" -eq 0 ]; then
                steady_ms=$now steady=$deliveries
            else
                national_rate=$(((deliveries - steady) * 1000 / (now - steady_ms)))
            fi
        fi
        seen=$((live > seen ? live : seen))
        if [ "$told" = no ] && [ "$live" -gt 0 ] && { [ "$now" -ge $(((full + end) / 2)) ] || [ "$made" -ge "$calls" ]; }; then
            told=yes
            national_memory "$live" "$handles"
        fi
        if [ "$missed" -gt 0 ]; then
            national_why="messages were missed after $((now / 1000)) s with $live calls alive"
        elif [ "$used" -gt "$national_limit_kib" ]; then
            national_why="more memory is used than the limit of $((national_limit_kib / 1024)) MiB"
        elif [ "$now" -gt $((3 * (end + hold_ms) + 60000)) ]; then
            national_why="the calls do not end"
        elif [ "$made" -ge "$calls" ] && [ "$live" -eq 0 ]; then
            if [ "$told" = no ] && [ "$seen" -gt 0 ]; then
                national_memory "$seen" $((seen * monitors)) # nobody has given memory back yet
            fi
            return 0
        fi
    done
    return 1
}

national_drained() { national_look && [ "$pending" -eq 0 ]; }

national_laws() {
    status '.ports[] | select(.kind == "application") | "port \(.port) (\(.name)): \(.offered) offered = \(.delivered) delivered + \(.pending) pending + " +
        "\(.missed) missed + \(.cancelled) cancelled: \(if .offered == .delivered + .pending + .missed + .cancelled then "holds" else "DOES NOT HOLD" end)"'
    check_law || fail "the service did not tell its status"
}

# At the present rate. True when it was held to the end.
national_full() {
    local calls live_max reached
    live_max=$(national_calls_max "$national_limit_kib" "$given_national_hold_ms" "$seconds")
    hold_ms=$given_national_hold_ms
    if [ $((rate * hold_ms / 1000)) -gt "$live_max" ]; then
        hold_ms=$((live_max * 1000 / rate))
        echo "memory allows $live_max live calls: they last $hold_ms ms instead of $given_national_hold_ms"
    fi
    calls=$((rate * (hold_ms + seconds * 1000) / 1000))
    echo "-- $rate calls/s of $hold_ms ms: $((rate * hold_ms / 1000)) live calls, $((rate * national_messages * monitors)) deliveries/s; $calls calls in all"
    if ! national_begin "$calls" "$hold_ms" $((rate * hold_ms / 1000 * 6 / 5)); then # late ones end late, too
        return 1
    fi
    if ! national_watch "$calls" "$seconds"; then
        echo "not held: $national_why"
        service_stop || result=1
        return 1
    fi
    reached=$(national_reached)
    wait_for 30 "rings that are empty" national_drained || result=1
    print_cpu
    national_laws
    end_monitors
    finish
    echo "national: $rate calls/s offered, $reached reached; $((rate * national_messages * monitors)) deliveries/s offered$([ "$national_rate" -eq 0 ] ||
        echo ", $national_rate while as many calls ended as began"); $((rate * hold_ms / 1000)) calls live; $([ "$result" -eq 0 ] &&
        echo "nothing lost" || echo "NOT as it should be")"
    if [ $((reached * 20)) -lt $((rate * 19)) ] && [ "$calls" -gt 10000 ]; then
        echo "not held: the simulator was kept waiting"
        return 1
    fi
}

run_national() {
    if [ "$rate" -eq 0 ] || [ "$seconds" -eq 0 ] || [ "$hold_ms" -eq 0 ] || [ "$monitors" -eq 0 ] || [ "$steps" -gt 16 ]; then
        echo "load.sh: national needs a rate, seconds, a holding time and monitors, and at most 16 steps" >&2
        exit 2
    fi
    national_goal_live=$((rate * hold_ms / 1000))
    local goal=$rate given_ring_kib=$ring_kib given_national_hold_ms=$hold_ms tries=0 held=no
    national_limit_kib=$(national_limit)
    ring_kib=$(national_ring "$national_limit_kib")
    echo "== national: up to $rate calls/s of $((hold_ms / 1000)) s, $national_messages messages each to $monitors applications:" \
        "$((rate * hold_ms / 1000)) live calls, $((rate * national_messages * monitors)) deliveries/s"
    echo "this machine: $(nproc) processors, $((national_limit_kib / 1024)) MiB to be used, which is" \
        "$(national_calls_max "$national_limit_kib" "$hold_ms" "$seconds") live calls of $(owners_call_bytes) bytes and $monitors rings of $ring_kib KiB"
    if [ "$(national_calls_max "$national_limit_kib" "$national_step_hold_ms" 5)" -lt 1000 ]; then
        fail "that is too little memory"
    elif ! national_search; then
        fail "no rate was held"
    else
        while [ "$result" -eq 0 ] && [ "$held" = no ] && [ "$tries" -lt 5 ] && [ "$rate" -gt 0 ]; do
            if national_full; then held=yes; else tries=$((tries + 1)) rate=$((rate * 3 / 4)); fi
        done
        if [ "$held" = no ] && [ "$result" -eq 0 ]; then
            fail "not even $rate calls/s were held"
        elif [ "$held" = yes ] && [ "$rate" -lt "$goal" ]; then
            echo "national: not the $goal calls/s of the goal: this machine holds $rate, $((rate * 100 / goal)) % of it"
        fi
    fi
    ring_kib=$given_ring_kib
}
