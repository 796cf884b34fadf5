# Sourced by scripts/load.sh: whose memory it is.
#
# All shared memory is mapped by the core: what of it exists is counted there, once; of every process besides, what is its own. By whom the core
# may not be looked into (it is confined, and only root may), state and rings are not told apart.
# shellcheck shell=bash

declare -A owners=() # KiB, as owners_look() found them
owners_rows=(journal calls handles marks maps state rings core keeper providers applications digests)
owners_core=
owners_providers=()

# Who there is. The applications are the monitors.
owners_find() {
    local pids
    pids=$(status '"\(.process.core_pid) \([.providers[].pid | tostring] | join(" "))"') || return 1
    read -r -a owners_providers <<<"$pids"
    owners_core=${owners_providers[0]}
    owners_providers=("${owners_providers[@]:1}")
}

# What a live call takes of all processes together, in bytes, by the sizes of what is kept of it: in the core 256, 8 in the provider's map and 128
# for each 15 applications beyond the first 8; in the simulator 128; at each application 16 in the core, 64 in the library and 4 in the checking.
owners_call_bytes() {
    local chunks=$((monitors > 8 ? (monitors + 6) / 15 : 0))
    echo $((256 + 8 + chunks * 128 + 128 + monitors * (16 + 64 + 4)))
}

# The simulator's digests are a file; no other mode has them.
owners_digests() {
    local blocks=0
    [ ! -e "$service_folder/digests" ] || blocks=$(stat -c %b "$service_folder/digests")
    echo $((blocks / 2))
}

# All that all of them use, in KiB.
owners_used() {
    local pid files=()
    for pid in "$service_pid" "${owners_providers[@]}" "${monitor_pids[@]}"; do
        [ ! -e "/proc/$pid/status" ] || files+=("/proc/$pid/status")
    done
    awk -v core="/proc/$owners_core/status" -v digests="$(owners_digests)" '
        $1 == "RssAnon:" || ($1 == "RssShmem:" && FILENAME == core) { kib += $2 }
        END { printf "%d\n", kib + digests }' "/proc/$owners_core/status" "${files[@]}"
}

# owners_shared PROVIDERS: the core's mappings. The state begins with journal, ports and lines; what huge pages are asked for are its tables
# (core/memory.c): the calls with reference chunks and party blocks, then a map for each provider that there may be, then a handle table for each
# application. Between them are marks, requests and open lines. With "huge_pages = false" it is one mapping, the state.
owners_shared() {
    awk -v providers="$1" '
        /^[0-9a-f]+-[0-9a-f]+ / { name = $6 }
        $1 == "Rss:" { rss = $2 }
        $1 == "VmFlags:" && name ~ /^\/memfd:callfan-(down|up)$/ { kib["rings"] += rss }
        $1 == "VmFlags:" && name == "/memfd:callfan-state" {
            part = tables == 0 ? "journal" : "marks"
            if ($0 ~ / hg( |$)/) {
                tables++
                part = tables == 1 ? "calls" : tables <= 1 + providers ? "maps" : "handles"
            }
            kib[part] += rss
        }
        END {
            if (tables == 0) {
                kib["state"] = kib["journal"]
                delete kib["journal"]
            }
            for (part in kib)
                print part, kib[part]
        }' "/proc/$owners_core/smaps" 2>/dev/null
}

# Fills ${owners[...]}: the rows, and their sum, "all".
owners_look() {
    local row kib
    owners=()
    for row in "${owners_rows[@]}"; do
        owners[$row]=0
    done
    while read -r row kib; do
        owners[$row]=$kib
    done < <(owners_shared "$(status .limits.providers)")
    if [ "${owners[rings]}" -eq 0 ]; then
        owners[state]=$(memory_kib "$owners_core" RssShmem)
    fi
    owners[core]=$(private_kib "$owners_core")
    owners[keeper]=$(private_kib "$service_pid")
    owners[providers]=$(memory_sum RssAnon "${owners_providers[@]}")
    owners[applications]=$(memory_sum RssAnon "${monitor_pids[@]}")
    owners[digests]=$(owners_digests)
    owners[all]=0
    for row in "${owners_rows[@]}"; do
        owners[all]=$((owners[all] + owners[$row]))
    done
}

# What the kernel says of all of them, programs and libraries with it.
owners_pss() {
    local pid
    for pid in "$owners_core" "$service_pid" "${owners_providers[@]}" "${monitor_pids[@]}"; do
        awk '$1 == "Pss:" { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null || true # it is gone, or may not be looked into
    done | awk '{ kib += $1 } END { printf "%d\n", kib }'
}

# owners_print CALLS HANDLES: what was looked at, by owner, with so many calls and handles alive.
owners_print() {
    local pid
    awk -v calls="$1" -v handles="$2" -v c="${owners[calls]}" -v h="${owners[handles]}" -v marks="${owners[marks]}" -v maps="${owners[maps]}" \
        -v state="${owners[state]}" -v journal="${owners[journal]}" -v rings="${owners[rings]}" -v own="${owners[core]}" 'BEGIN {
        printf "memory (MiB) with %d calls and %d handles alive: core: ", calls, handles
        if (state > 0)
            printf "its state %.1f (%.0f bytes a call)", state / 1024, state * 1024 / calls
        else
            printf "calls %.1f (%.0f bytes each), handles %.1f (%.1f each), maps of the providers %.1f, marks and open lines %.1f, journal, ports and lines %.1f",
                c / 1024, c * 1024 / calls, h / 1024, h * 1024 / handles, maps / 1024, marks / 1024, journal / 1024
        printf ", rings %.0f, its own %.1f\n", rings / 1024, own / 1024
    }'
    for pid in "${monitor_pids[@]}"; do
        private_kib "$pid"
    done | awk -v calls="$1" -v sim="${owners[providers]}" -v file="${owners[digests]}" -v keeper="${owners[keeper]}" '
        { sum += $1; each = each sprintf("%s%.1f", NR == 1 ? "" : ", ", $1 / 1024) }
        END { printf "memory (MiB): applications %s (%.0f bytes a call and application, 64 of them the library'"'"'s), simulator %.0f (%.0f bytes a " \
            "call), its digests %.0f, keeper %.0f\n", each, sum * 1024 / calls / NR, sim / 1024, sim * 1024 / calls, file / 1024, keeper / 1024 }'
}
