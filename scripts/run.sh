#!/usr/bin/env bash
# Builds Callfan, starts it with its default configuration and shows every call state live.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/run.sh [--seconds N] [--no-install] [--bin FOLDER]

Starts callfand with etc/callfan.conf (a simulated exchange, and SIP on 127.0.0.1:5060, UDP) and shows
every call state until ^C, then a summary.

  --seconds N    end by itself after N seconds
  --no-install   do not install missing packages
  --bin FOLDER   run these programs and build nothing
  --help         this text
END
}

seconds="" install=yes build=yes bin=""
while [ $# -gt 0 ]; do
    case $1 in
    --seconds)
        if [ $# -lt 2 ] || ! [[ $2 =~ ^[0-9]+([.][0-9]+)?$ ]]; then
            echo "run.sh: --seconds takes a number" >&2
            exit 2
        fi
        seconds=$2
        shift 2
        ;;
    --no-install) install=no; shift ;;
    --bin)
        bin=$(cd "${2:?run.sh: --bin takes a folder}" && pwd) build=no
        shift 2
        ;;
    --help | -h) usage; exit 0 ;;
    *)
        echo "run.sh: unknown option $1" >&2
        usage >&2
        exit 2
        ;;
    esac
done

cd "$(dirname "$0")/.."
source scripts/deps.sh
source scripts/service.sh
if [ "$install" = yes ]; then
    install_packages "${BUILD_PACKAGES[@]}"
fi
if [ "$build" = yes ]; then
    mkdir -p build/release
    echo "building (build/release/build.log) ..." >&2
    if ! { cmake --preset release &&
        cmake --build --preset release --target callfan callfand callfan-sim callfan-sip; } >build/release/build.log 2>&1; then
        tail -n 40 build/release/build.log >&2
        exit 1
    fi
fi
bin=${bin:-build/release/bin}
folder=build/run
mkdir -p "$folder"
export CALLFAN_SOCKET=$PWD/$folder/callfan.sock
if [ ${#CALLFAN_SOCKET} -ge 96 ]; then # longer than the address of a local socket may be
    CALLFAN_SOCKET=$(mktemp -d)/callfan.sock
fi

# callfand is in a session of its own, so that ^C reaches the monitor alone and the summary still comes.
setsid setpriv --pdeathsig TERM "$bin/callfand" --config etc/callfan.conf --socket "$CALLFAN_SOCKET" >"$folder/callfand.log" 2>&1 &
service_pid=$!
end_service() {
    if [ -n "$service_pid" ]; then
        kill -TERM "$service_pid" 2>/dev/null || true
        wait "$service_pid" 2>/dev/null || true
        service_pid=
    fi
}
trap end_service EXIT
trap : INT
trap 'exit 143' TERM HUP

if ! wait_for 30 callfand answers; then
    cat "$folder/callfand.log" >&2
    exit 1
fi
cat >&2 <<END
callfand runs; its log: $folder/callfand.log. In other terminals, from $PWD:
  export CALLFAN_SOCKET=$CALLFAN_SOCKET
  $bin/callfan lines                          the lines
  $bin/callfan answer --line N                answer the calls of the SIP line
  sipp -sn uac 127.0.0.1:5060 -m 200 -r 20    make calls to it
  $bin/callfan status                         ports and counters
END
options=()
if [ -n "$seconds" ]; then
    options=(--seconds "$seconds")
fi
status=0
"$bin/callfan" monitor "${options[@]}" || status=$?
exit "$status"
