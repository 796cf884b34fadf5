#!/usr/bin/env bash
# check-symbols.sh LIBRARY...
#
# Every global symbol of the folders' libraries carries the project's prefix (cf_, or line for TAPI's functions), and no
# symbol is defined by two of them: tests link them all, and would silently get the first.
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: check-symbols.sh LIBRARY..." >&2
    exit 2
fi
status=0
defined=$(for library in "$@"; do
    nm --defined-only --extern-only "$library" |
        awk -v library="$(basename "$library")" 'NF == 3 && $2 ~ /^[TDBRVW]$/ { print $3, library }'
done | sort)

foreign=$(awk '$1 !~ /^(cf_|line[A-Z])/ { print $2 ": " $1 " has not the prefix cf_" }' <<<"$defined")
if [ -n "$foreign" ]; then
    echo "$foreign"
    status=1
fi
doubled=$(awk '$1 == last { print $1 " is defined in " from " and in " $2 } { last = $1; from = $2 }' <<<"$defined")
if [ -n "$doubled" ]; then
    echo "$doubled"
    status=1
fi
exit $status
