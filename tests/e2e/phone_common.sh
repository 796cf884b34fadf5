# What the tests with baresip share: a telephone at ${phone}, with commands at ${control} and media at ${rtp_first} to ${rtp_last}.
# shellcheck shell=bash disable=SC2154
source "$(dirname "${BASH_SOURCE[0]}")/sip_common.sh"
command -v baresip >/dev/null || exit 77

declare -A phone_fd=()
phone_options=()

# phone_start [NAME PORT CONTROL RTP_FIRST RTP_LAST]: baresip, with ${phone_options}, and its events in NAME.events.
phone_start() {
    local name=${1:-phone} at=${2:-$phone} commands=${3:-$control} first=${4:-$rtp_first} last=${5:-$rtp_last} modules fd
    modules=$(dirname "$(find /usr/lib /usr/local/lib -path '*baresip/modules/ctrl_tcp.so' -print -quit)")
    mkdir "$service_folder/$name"
    sed "s/@port@/$at/; s/@rtp_first@/$first/; s/@rtp_last@/$last/; s/@control@/$commands/; s|@modules@|$modules|" \
        "$scenarios/baresip.config" >"$service_folder/$name/config"
    echo "<sip:$name@127.0.0.1>;regint=0;answermode=auto" >"$service_folder/$name/accounts"
    : >"$service_folder/$name/contacts"
    run_aside "$name" baresip "${phone_options[@]}" -f "$service_folder/$name"
    wait_for 30 "baresip" grep -q 'baresip is ready' "$service_folder/$name.out"
    fd=$((9 - ${#phone_fd[@]})) # one below 10, which children keep
    eval "exec $fd<>/dev/tcp/127.0.0.1/$commands"
    phone_fd[$name]=$fd
    run_aside "$name.events" sh -c "exec cat <&$fd"
}

# phone_do COMMAND [ARGUMENT [NAME]]: a command to baresip, by its netstrings of JSON.
phone_do() {
    local json="{\"command\":\"$1\",\"params\":\"${2:-}\"}"
    printf '%d:%s,' ${#json} "$json" >&"${phone_fd[${3:-phone}]}"
}

phone_events() { # TYPE [NAME]: how many so far
    { grep -o "\"type\":\"$1\"" "$service_folder/${2:-phone}.events.out" || true; } | wc -l
}

phone_was_told() { # TYPE COUNT [NAME]
    [ "$(phone_events "$1" "${3:-phone}")" -ge "$2" ]
}

# phone_talks COUNT: so many more of its calls are established than when this was set back by phone_calls. We may know it sooner than baresip, which takes
# commands about a call only then.
phone_calls() {
    phone_established=$(phone_events CALL_ESTABLISHED)
}
phone_talks() {
    wait_for 30 "$transport: baresip's call" phone_was_told CALL_ESTABLISHED $((phone_established + $1))
}

owner_was_told() { # STATE MODE COUNT
    [ "$(lines_of "$service_folder/owner.out" | grep -c "\"state\":\"$1\",\"mode\":\"$2\"")" -ge "$3" ]
}

# Two lines, each with an owner.
source "$(dirname "${BASH_SOURCE[0]}")/sip_owners_common.sh"

# owners_start STEPS STEPS: of line 0 and line 1.
owners_start() {
    local i arguments
    owners_begin
    for i in 2 1; do
        read -ra arguments <<<"${!i}"
        owner_start $((i - 1)) "${arguments[@]}"
    done
}

# two_end NAME STATES STATES [STATES OF THE MONITORS]: of line 0 and line 1.
two_end() {
    owners_end 30 "$1" "${4:-$2; $3}" "$2" "$3"
}

line_was_told() { # INDEX STATE [MODE]
    grep -q "\"state\":\"$2\"${3:+,\"mode\":\"$3\"}" "$service_folder/owner_$1.out"
}
