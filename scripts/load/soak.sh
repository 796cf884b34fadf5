# Sourced by scripts/load.sh: the mode soak.
# shellcheck shell=bash

soak_ended= # by a signal

# Kinds of trouble, the likelier the more often they stand here. A monitor that is stopped falls behind or not, as its time has it.
soak_troubles=(core core core provider provider owner owner monitor monitor stop stop reload)

run_soak() {
    local end now next_line next_sample watched i
    local -A troubles=()
    RANDOM=$seed soak_ended=
    if [ "$monitors" -lt 2 ]; then
        monitors=2 # the last one is stopped now and then, the others miss nothing
    fi
    echo "== soak: $rate calls/s for $seconds s, $monitors checking monitors, seed $seed; killed, stopped and reloaded at random: core," \
        "$crowd_providers providers, $crowd_of_each owners, $crowd_of_each monitors, a checking monitor"
    crowd_start --allow-gaps
    trap 'soak_ended=yes' INT TERM
    echo "all are there; the traffic begins"
    now=$(now_ms) end=$(($(now_ms) + seconds * 1000))
    next_line=$((now + 60000)) next_sample=$now soak_from=$now soak_stopped="" soak_continue=0 soak_made=0 soak_made_ms=$now
    : >"$service_folder/samples"
    random 200 3000
    local next_trouble=$((now + random_number))
    while [ -z "$soak_ended" ] && now=$(now_ms) && [ "$now" -lt "$end" ]; do
        if [ -n "$soak_stopped" ] && [ "$now" -ge "$soak_continue" ]; then
            soak_go_on
        fi
        if [ "$now" -ge "$next_sample" ]; then
            soak_sample "$now" || true # nobody answers while the core is away
            next_sample=$((now + (seconds >= 400 ? 5000 : 500)))
        fi
        if [ "$now" -ge "$next_line" ]; then
            soak_line "$now" || true
            next_line=$((now + 60000))
        fi
        if [ "$now" -ge "$next_trouble" ]; then
            random 0 $((${#soak_troubles[@]} - 1))
            i=${soak_troubles[random_number]}
            if soak_trouble "$i"; then
                troubles[$i]=$((${troubles[$i]:-0} + 1))
            fi
            random 200 3000
            next_trouble=$((now + random_number))
        fi
        sleep 0.1 || true
    done
    trap 'exit 130' INT TERM # a second time ends it at once
    [ -z "$soak_ended" ] || echo "ended early, after $((($(now_ms) - soak_from) / 1000)) s"
    if [ -n "$soak_stopped" ]; then soak_go_on; fi
    soak_line "$(now_ms)" || true
    echo "troubles: $(for i in "${!troubles[@]}"; do printf '%s %s, ' "$i" "${troubles[$i]}"; done | sed 's/, $//')"
    watched=$(status .totals.calls_made)
    soak_end "$watched" "${troubles[core]:-0}"
}

# soak_trouble KIND. False: not now.
soak_trouble() {
    case $1 in
    core)
        local pid
        pid=$(status .process.core_pid 2>/dev/null) && [ "${pid:-0}" -gt 1 ] && kill_marked "$pid"
        ;;
    provider | owner | monitor)
        random 1 3
        crowd_kill "$1" "$random_number" 2>/dev/null
        ;;
    stop)
        [ -z "$soak_stopped" ] || return 1
        random 200 8000
        soak_continue=$(($(now_ms) + random_number))
        random 0 3 # a checking one, which proves what it is told then, or one that may be killed as it stands
        soak_stopped=${monitor_pids[-1]}
        if [ "$random_number" -ne 0 ]; then
            soak_stopped=${crowd_pids["monitor $random_number"]}
        fi
        kill -STOP "$soak_stopped" 2>/dev/null
        ;;
    reload)
        random 100 1000
        sed -i '/^wake_interval_us/d' "$service_folder/callfan.conf"
        sed -i "1a wake_interval_us = $random_number" "$service_folder/callfan.conf"
        kill -HUP "$service_pid"
        ;;
    esac
}

soak_go_on() {
    kill -CONT "$soak_stopped" 2>/dev/null || true # it may have been killed meanwhile
    soak_stopped=
}

# soak_sample NOW_MS: what all use, in KiB, shared memory with it. Seconds, core, keeper, providers, the monitors that are not checking.
soak_sample() {
    local core providers
    core=$(status .process.core_pid 2>/dev/null) || return 1
    providers=$(status '[.providers[].pid] | map(tostring) | join(" ")' 2>/dev/null) || return 1
    # shellcheck disable=SC2086
    echo "$((($1 - soak_from) / 1000)) $(memory_sum VmRSS "$core") $(memory_sum VmRSS "$service_pid") $(memory_sum VmRSS $providers)" \
        "$(memory_sum VmRSS "${crowd_pids["monitor 1"]}" "${crowd_pids["monitor 2"]}" "${crowd_pids["monitor 3"]}")" >>"$service_folder/samples"
}

# soak_line NOW_MS: how it goes.
soak_line() {
    local made core last
    status '.totals.calls_made, .process.core_pid' >"$service_folder/line" 2>/dev/null || return 1
    { read -r made && read -r core; } <"$service_folder/line" || return 1
    last=$(tail -n 1 "$service_folder/samples")
    printf '%6d s: %d calls/s, %d calls; MiB:%s; descriptors: core %d, keeper %d; ' $((($1 - soak_from) / 1000)) \
        $((($1 > soak_made_ms) ? (made - soak_made) * 1000 / ($1 - soak_made_ms) : 0)) "$made" \
        "$(awk '{ printf " core %.1f, keeper %.1f, providers %.1f, monitors %.1f", $2 / 1024, $3 / 1024, $4 / 1024, $5 / 1024 }' <<<"$last")" \
        "$(descriptors "$core")" "$(descriptors "$service_pid")"
    soak_made=$made soak_made_ms=$1
    # What the monitors that are not stopped have missed: nothing, or it is lost.
    status "[.ports[] | select(.name | startswith(\"callfan check\")) | select(.pid != ${monitor_pids[-1]}) | .missed + .calls_unseen] |
        \"losses \\(add)\"" 2>/dev/null || echo "losses unknown"
    check_law || true
}

# soak_memory: the last quarter of the time against the second one.
soak_memory() {
    awk -v slack="${slack_kib:-4096}" '
        { t[NR] = $1; for (i = 2; i <= 5; i++) v[NR, i] = $i }
        END {
            split("x core keeper providers monitors", name, " ")
            for (i = 2; i <= 5; i++) {
                a = b = na = nb = 0
                for (n = 1; n <= NR; n++) {
                    if (t[n] >= t[NR] / 4 && t[n] < t[NR] / 2) { a += v[n, i]; na++ }
                    if (t[n] >= t[NR] * 3 / 4) { b += v[n, i]; nb++ }
                }
                if (na == 0 || nb == 0) {
                    print "memory: no samples to compare"
                    grown = 1
                    break
                }
                a /= na; b /= nb
                printf "memory, shared memory with it: %s %.1f MiB in the mean of the second quarter, %.1f in that of the last\n",
                    name[i], a / 1024, b / 1024
                if (b > a * 1.05 + slack)
                    grown = 1
            }
            exit grown
        }' "$service_folder/samples"
}

# soak_end CALLS CORE_KILLS: all proofs.
soak_end() {
    crowd_end
    print_cpu
    end_monitors
    print_silences "core" "$monitors" # the last one was stopped now and then
    if [ "$1" -eq 0 ]; then
        fail "there was no call"
    fi
    if [ "$(jq -s "map(select(.monitor != $monitors and (.gaps > 0 or .missed > 0))) | length" "$service_folder/check.out")" -ne 0 ]; then
        fail "a monitor that was not stopped missed messages"
    fi
    if ! status_is .process.core_restarts "$2"; then
        fail "the core was killed $2 times and started again $(status .process.core_restarts) times"
    fi
    crowd_is_sound || fail "the service did not tell its status"
    if [ -n "$soak_ended" ]; then
        echo "memory: not compared, it ended early"
    else
        soak_memory || fail "memory has grown: by more than 5 % and ${slack_kib:-4096} KiB from the second quarter to the last"
    fi
    finish_crowd
}
