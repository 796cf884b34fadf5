# Sourced by scripts/load.sh: where the memory of the adapter and of the core goes, once a second.
# shellcheck shell=bash

# Where the memory of the adapter and of the core is written down, once a second: "SECONDS ADAPTER CORE", in KiB.
growth_start() {
    : >"$service_folder/growth"
    growth_loop "$(status '.providers[0].pid')" "$(status .process.core_pid)" &
    growth_pid=$!
    service_children+=("$growth_pid")
}

growth_loop() {
    local from sip core
    from=$(now_ms)
    while sip=$(resident_kib "$1") && core=$(resident_kib "$2"); do
        echo "$((($(now_ms) - from) / 1000)) $sip $core" >>"$service_folder/growth"
        sleep 1
    done
}

# growth_end SECONDS: prints how much it was, and compares its last half when the traffic lasted long enough for all timers (64 s) to run.
growth_end() {
    kill "$growth_pid" 2>/dev/null || true
    wait "$growth_pid" 2>/dev/null || true
    awk -v traffic="$1" '
        BEGIN { n = 0 }
        $1 <= traffic { sip[n] = $2; core[n++] = $3 }
        END {
            if (n == 0)
                exit
            half = int(n / 2); last = n - 1
            printf "memory in use (MiB): callfan-sip %.1f at the start, %.1f in the middle, %.1f at the end; core %.1f, %.1f, %.1f\n",
                sip[0] / 1024, sip[half] / 1024, sip[last] / 1024, core[0] / 1024, core[half] / 1024, core[last] / 1024
            # Pages that are touched for the first time by a peak a little higher than those before are no leak.
            if (traffic >= 200 && (sip[last] > sip[half] * 1.05 + 1024 || core[last] > core[half] * 1.05 + 1024))
                exit 1
        }' "$service_folder/growth" || fail "memory has grown in the last half"
}
