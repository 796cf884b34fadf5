# What the end-to-end tests share: the programs, a folder, the end of everything, and failing with a reason.
# shellcheck shell=bash
set -euo pipefail

source_root=${CALLFAN_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
bin=${CALLFAN_BIN:-$source_root/build/release/bin}
source "$source_root/scripts/service.sh"

on_exit() {
    local code=$?
    if [ "$code" -ne 0 ] && [ "$code" -ne 77 ] && [ -n "$service_folder" ]; then
        tail -n 40 "$service_folder/log" >&2 2>/dev/null || true
    fi
    service_stop || code=1
    exit "$code"
}
trap on_exit EXIT
trap 'exit 143' TERM INT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# by_build PLAIN SANITIZED: a number by the kind of build.
by_build() {
    if [ "${CALLFAN_BUILD:-plain}" = plain ]; then echo "$1"; else echo "$2"; fi
}

# expect_code CODE COMMAND...: its exit status, and that it said something on stderr when it failed.
expect_code() {
    local wanted=$1 code=0 text
    shift
    text=$("$@" 2>&1 >/dev/null </dev/null) || code=$?
    [ "$code" -eq "$wanted" ] || fail "'$*' ended with $code instead of $wanted: $text"
    [ "$code" -eq 0 ] || [ -n "$text" ] || fail "'$*' failed without a word"
    said=$text
}

# expect_said PATTERN: the last command said why.
expect_said() {
    grep -qE "$1" <<<"$said" || fail "instead of /$1/ it said: $said"
}

new_folder() {
    service_folder=$(mktemp -d "${TMPDIR:-/tmp}/callfan.XXXXXX")
    : >"$service_folder/log"
}
