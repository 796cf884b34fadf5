# What the SIP tests share: a service with a SIP line and two monitors, sipp with a scenario of sip/*.xml beside an owner with steps
# (owner.c), and the comparison of what each of them was told with a table. SIP_ONLY=REGEX in the environment runs these rows alone.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v sipp >/dev/null || exit 77

tools=$(dirname "$bin")/tests/e2e
scenarios=$source_root/tests/e2e/sip
sip_monitors=()
sip_failures=0
sip_rows=0
# How long one call of a table may take, in seconds; far more than it does.
row_seconds=${SIP_ROW_SECONDS:-60}

# Where no datagram is lost nobody repeats what he said: sipp never, we only after 4 s. What comes again because somebody stood still for a moment is to sipp often
# the end of the call: it knows but the last message again, and of a connection none. Repetition has tests of its own: sip_loss.sh, sip_ring_full.sh.
sip_patience="t1_ms = 4000"
sipp_patience=(-nr)

# sip_start KEYS [LINES]: callfand with these keys in its section of callfan-sip, two monitors, and ${line[i]}: the number of each line.
sip_start() {
    local lines=${2:-1} i
    [ -n "$service_folder" ] || new_folder
    service_start "provider sip { command = \"callfan-sip\"
$1
}"
    lines_are_up "$lines"
    mapfile -t line < <("$bin/callfan" lines --json | jq -r .line)
    for i in 1 2; do
        run_aside "monitor$i" "$bin/callfan" monitor --json
        sip_monitors+=("$aside_pid")
    done
    wait_for 30 "two monitors" status_is \
        "[.ports[] | select(.kind == \"application\" and .open_lines == $lines)] | length" 2
    provider=$(status '.providers[0].pid')
}

# sip_bound udp|tcp PORT: somebody has the port.
sip_bound() {
    local hex
    hex=$(printf '%04X' "$2")
    if [ "$1" = udp ]; then
        grep -qE "^ *[0-9]+: [0-9A-F]+:$hex " /proc/net/udp
    else
        grep -qE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F:]+ 0A " /proc/net/tcp
    fi
}

# sipp_run NAME FILE udp|tcp PORT OPTIONS ARGUMENT...: sipp with a scenario, in the background, in a folder NAME of its own; its process is
# ${sipp_pid}. OPTIONS are status=TEXT, word=TEXT, pause=MS, seen=HOST:PORT, linger=MS, to=USER, calls=N and rate=N, with & between them.
sipp_run() {
    local name=$1 file=$2 transport=$3 port=$4 options=$5 option status="" word="" pause=0 seen=127.0.0.1:$4 calls=1 rate=10 linger=0 to=5550100
    shift 5
    while IFS= read -r -d '&' option; do
        case $option in
        status=*) status=${option#*=} ;;
        word=*) word=${option#*=} ;;
        pause=*) pause=${option#*=} ;;
        seen=*) seen=${option#*=} ;;
        calls=*) calls=${option#*=} ;;
        rate=*) rate=${option#*=} ;;
        to=*) to=${option#*=} ;;
        linger=*) linger=${option#*=} ;;
        also=* | also_*=* | focus=* | focus_*=* | info=* | "") ;;
        *) fail "$name: option $option" ;;
        esac
    done <<<"$options&"
    mkdir -p "$service_folder/$name"
    sed "s/@status@/$status/; s/@linger@/$linger/" "$scenarios/$file.xml" >"$service_folder/$name/$file.xml"
    (cd "$service_folder/$name" && exec setsid setpriv --pdeathsig KILL timeout -s KILL $((row_seconds + 10)) sipp "$@" -sf "$file.xml" \
        -i 127.0.0.1 -p "$port" -t "${transport:0:1}1" -m "$calls" -r "$rate" -d "$pause" -key seen "$seen" -key word "$word" -s "$to" \
        -timeout "${row_seconds}s" -timeout_error -watchdog_interval 0 -nostdin -trace_err -trace_msg >>sipp.out 2>&1) &
    sipp_pid=$!
    service_children+=("$sipp_pid")
}

# sip_states FILE FROM: the states that the calls in a file were told from that line on, one call a line: STATE or STATE/MODE.
sip_states() {
    lines_of "$1" "$2" | jq -rs '[.[] | select(.message == "LINE_CALLSTATE")] | group_by(.call) | .[] |
        map(if .mode == "" or .mode == "0" then .state else "\(.state)/\(.mode)" end) | join(" ")' | sort
}

sip_ended() { # FILE FROM COUNT
    [ "$(lines_of "$1" "$2" | grep -c '"state":"IDLE"')" -ge "$3" ]
}

sip_complain() {
    echo "FAIL: $*" >&2
    sip_failures=$((sip_failures + 1))
}

# sip_trace NAME: what went over the wire in a row, for the reader of a failure.
sip_trace() {
    local file
    for file in "$service_folder/$1"/*_messages.log "$service_folder/$1"/*_errors.log "$service_folder/owner.err"; do
        if [ -s "$file" ]; then
            echo "--- ${file##*/}"
            grep -avE '^$|^(Max-Forwards|Content-Type|User-Agent|Allow|Accept|s=|t=|a=rtpmap)' "$file" | tail -n "${SIP_TRACE_LINES:-200}"
        fi
    done >&2
}

# sip_trim NAME...: takes the blanks around the values of these variables away.
sip_trim() {
    local _name _value
    for _name in "$@"; do
        read -r _value <<<"${!_name}"
        printf -v "$_name" %s "$_value"
    done
}

# sip_row 'NAME | FILE | OPTIONS | LINE | OWNER | STATES [| STATES OF THE MONITORS]': one call.
#
# FILE     a scenario, or nobody. callee_* is called, at ${peer_port}; caller_* calls ${sip_address[LINE]}
# OPTIONS  those of sipp_run, and also=FILE: another sipp at ${other_port}, whose options have also_ before them, and focus=FILE at ${focus_port} likewise; info=EXPRESSION: what jq must find true of the owner's
#          record of each call at its end. @peer@ and @other@ are the two ports, @transport@ is udp or tcp, here and in OWNER
# OWNER    none, own or dial DESTINATION, and steps
# STATES   in order; STATE/MODE where there are modes; of several calls with ; between them. Without others for the monitors they are told the same, but of a call that is
#          dialled UNKNOWN first
sip_row() {
    local row name file options index owner states told
    row=${1//@other@/${other_port:-}} row=${row//@peer@/$peer_port} row=${row//@transport@/$transport}
    IFS='|' read -r name file options index owner states told <<<"$row"
    sip_trim name file options index states told
    read -ra owner <<<"$owner"
    [ "${owner[0]}" != dial ] || told=${told:-UNKNOWN ${states//; /; UNKNOWN }}
    sip_lines states
    sip_lines told
    local calls
    calls=$(wc -l <<<"$states")
    [ -z "${SIP_ONLY:-}" ] || [[ $name =~ $SIP_ONLY ]] || return 0
    sip_rows=$((sip_rows + 1))
    local from=() sipps=() owner_pid="" before=$sip_failures i
    for i in 1 2; do
        from[i]=$(($(wc -l <"$service_folder/monitor$i.out") + 1))
    done
    row_beside also "${other_port:-}"
    row_beside focus "${focus_port:-}"
    [[ $file != callee_* ]] || row_callees
    [ "${owner[0]}" = none ] || row_owner
    if [[ $file == caller_* ]]; then
        sipp_run "$name" "$file" "$transport" "$peer_port" "$options" "${sipp_patience[@]}" "${sip_address[index]}"
        sipps+=("$sipp_pid")
    fi
    row_wait
    for i in 1 2; do
        [ "${owner[0]}" = none ] || wait_for 30 "$name: monitor $i" sip_ended "$service_folder/monitor$i.out" "${from[i]}" "$calls" || true
        sip_compare "$name" "monitor $i" "${told:-$states}" "$(sip_states "$service_folder/monitor$i.out" "${from[i]}")"
    done
    [ "$sip_failures" -eq "$before" ] || sip_trace "$name"
    rm -rf "${service_folder:?}/$name"
}

# sip_lines NAME: the states of several calls, one call a line, in the order of their text.
sip_lines() {
    printf -v "$1" %s "$(sed 's/ *; */\n/g' <<<"${!1}" | sed '/^$/d' | sort)"
}

row_beside() { # also|focus PORT
    local file
    file=$(tr '&' '\n' <<<"$options" | sed -n "s/^$1=//p")
    [ -n "$file" ] || return 0
    sipp_run "$name" "$file" "$transport" "$2" "$(tr '&' '\n' <<<"$options" | sed -n "s/^$1_//p" | paste -sd '&')" "${sipp_patience[@]}"
    sipps+=("$sipp_pid")
    wait_for 30 "$name: the sipp of $1" sip_bound "$transport" "$2"
}

row_callees() {
    sipp_run "$name" "$file" "$transport" "$peer_port" "$options" "${sipp_patience[@]}"
    sipps+=("$sipp_pid")
    wait_for 30 "$name: sipp" sip_bound "$transport" "$peer_port"
}

row_owner() {
    local arguments=("${owner[@]:1}")
    rm -f "$service_folder/ready"
    [ "${owner[0]}" = own ] || arguments=(--dial "${arguments[@]}")
    run_aside owner "$tools/owner" --line "${line[index]}" --ready "$service_folder/ready" "${arguments[@]}"
    owner_pid=$aside_pid
    wait_for 30 "$name: the owner" test -e "$service_folder/ready"
}

# All of the row have ended, and well; the owner was told what it should have been.
row_wait() {
    local pid code info=${options#*info=}
    for pid in "${sipps[@]}"; do
        code=0
        wait "$pid" || code=$?
        [ "$code" -eq 0 ] || sip_complain "$name ($transport): sipp ended with $code"
    done
    [ -n "$owner_pid" ] || return 0
    if ! wait_for "$row_seconds" "$name: the owner" sip_gone "$owner_pid"; then
        kill -TERM "$owner_pid" 2>/dev/null || true
    fi
    code=0
    wait "$owner_pid" || code=$?
    [ "$code" -eq 0 ] || sip_complain "$name ($transport): the owner ended with $code"
    sip_compare "$name" "the owner" "$states" "$(sip_states "$service_folder/owner.out" 1)"
    if [ "$info" != "$options" ]; then
        jq -es "[.[] | select(.message == \"end\") | ${info%%&*}] | length > 0 and all" "$service_folder/owner.out" >/dev/null ||
            sip_complain "$name ($transport): the call's record: $(grep '"end"' "$service_folder/owner.out")"
    fi
}

sip_gone() { # PID of a child: it has ended, or is a zombie
    [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

sip_compare() {
    [ "$3" = "$4" ] || sip_complain "$1 ($transport): $2 was told
  $4
instead of
  $3"
}

# sip_table: the rows of the standard input; empty lines and those that begin with # are left out.
sip_table() {
    local rows row
    mapfile -t rows
    for row in "${rows[@]}"; do
        case $row in
        "" | "#"*) ;;
        *) sip_row "$row" ;;
        esac
    done
}

# sip_live: what the adapter has alive, as it prints it: "calls N, server transactions N, client transactions N".
sip_live() {
    local before
    before=$(grep -c 'live: ' "$service_folder/log" || true)
    kill -HUP "$provider"
    wait_for 30 "the counters" sip_lives "$before" && lines_of "$service_folder/log" | grep 'live: ' | tail -n 1 | sed 's/.*live: //'
}

sip_lives() {
    [ "$(lines_of "$service_folder/log" | grep -c 'live: ')" -gt "$1" ]
}

sip_nothing_lives() {
    [ "$(sip_live)" = "calls 0, server transactions 0, client transactions 0" ]
}

# sip_end: nothing is left, nobody was restarted, the monitors' sequence is dense. Another sip_start may follow.
sip_end() {
    local i
    wait_for 30 "the end of all calls" status_is '.totals.calls_live' 0 || sip_complain "calls live on"
    [ "$(status '.providers[0].pid')" = "$provider" ] || sip_complain "callfan-sip was started again"
    kill -TERM "${sip_monitors[@]}"
    for i in 1 2; do
        wait "${sip_monitors[i - 1]}" || sip_complain "monitor $i ended with $?"
        jq -es '[.[].seq] | . == [range(1; length + 1)]' "$service_folder/monitor$i.out" >/dev/null ||
            sip_complain "monitor $i: sequence numbers are not dense"
    done
    sip_monitors=()
    service_stop || sip_complain "the service did not end well"
}

sip_verdict() {
    echo "$sip_rows calls, $sip_failures failures"
    [ "$sip_failures" -eq 0 ] || fail "$sip_failures failures"
}

# sip_knows KEY: the adapter has that key.
sip_knows() {
    grep -qE "^ +$1 " <<<"$("$bin/callfan-sip" --help)"
}
