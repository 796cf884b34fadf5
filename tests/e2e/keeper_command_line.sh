#!/usr/bin/env bash
# callfand's command line: options, exit statuses, and what -n says of a configuration, its providers' sections included.
# ctest-timeout: 120
set -euo pipefail

callfand=$CALLFAN_BIN/callfand
folder=$(mktemp -d "${TMPDIR:-/tmp}/callfan.XXXXXX")
service=
trap '[ -z "$service" ] || kill -KILL "$service" 2>/dev/null || true; rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect STATUS TEXT OPTION...: callfand ends with that status and says that text.
expect() {
    local want=$1 text=$2 said status=0
    shift 2
    said=$(timeout -s KILL 30 "$callfand" "$@" 2>&1) || status=$?
    [ "$status" = "$want" ] || fail "callfand $* ended with $status, not $want: $said"
    grep -qF -- "$text" <<<"$said" || fail "callfand $* does not say '$text' but: $said"
}

expect 0 "usage: callfand" --help
expect 0 "usage: callfand" -h
expect 0 "callfand " --version
expect 2 "no-such" --no-such
expect 2 "requires an argument" --config
expect 2 "no arguments" --check extra
for wrong in touch touch: touch:0 touch:-1 touch:9x nothing:1 :1 touch:99999999999999999999 record: record:0 record:70000 record:7: record:7:x record:7:1x; do
    expect 2 "--crash-at takes" --crash-at "$wrong"
done
expect 2 "--socket takes" --config "$CALLFAN_SOURCE/etc/callfan.conf" --socket ""
expect 1 "cannot read the configuration $folder/none" --config "$folder/none"

# The configuration that is shipped, its programs included.
expect 0 "good, 2 providers" -n --config "$CALLFAN_SOURCE/etc/callfan.conf"

conf=$folder/callfan.conf
printf '# one\n\ncalls = few\n' >"$conf"
expect 1 "$conf:3: " --check --config "$conf"
expect 1 "$conf:3: " --config "$conf"
printf '# one\nprovider sim {\n    command = "callfan-sim"\n    rate = -1\n}\n' >"$conf"
expect 1 "$conf:4: " -n --config "$conf"
expect 1 "$conf:2: provider sim:" -n --config "$conf"
printf 'provider sip {\n    command = "callfan-sip"\n    listen = {"nowhere"}\n}\n' >"$conf"
expect 1 "$conf:3: " -n --config "$conf"
printf '\nprovider x {\n    command = "callfan-nothing"\n}\n' >"$conf"
expect 1 "$conf:2: provider x: cannot find the program callfan-nothing" -n --config "$conf"

# A socket that cannot be made.
printf 'socket = "%s/no/such/folder/socket"\n' "$folder" >"$conf"
expect 3 "cannot listen on $folder/no/such/folder/socket" --config "$conf"

# --socket takes precedence, the folder is made, and SIGINT ends it as SIGTERM does.
printf 'socket = "%s/unused"\ncalls = 1024\nhandles = 1024\n' "$folder" >"$conf"
mkfifo "$folder/log"
"$callfand" --config "$conf" --socket "$folder/made/socket" --foreground 2>"$folder/log" &
service=$!
ready=no
while read -r line; do
    case $line in
    *"the core is ready"*)
        ready=yes
        [ -S "$folder/made/socket" ] || fail "no socket where --socket says"
        [ ! -e "$folder/unused" ] || fail "a socket where the configuration says"
        kill -INT "$service"
        ;;
    esac
done < <(timeout -s KILL 60 cat "$folder/log")
[ $ready = yes ] || fail "callfand did not become ready"
status=0
wait "$service" || status=$?
service=
[ "$status" = 0 ] || fail "callfand ended with $status upon SIGINT"
[ ! -e "$folder/made/socket" ] || fail "the socket is left"
