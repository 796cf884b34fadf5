#!/usr/bin/env bash
# check-exports.sh LIBCALLFAN_SO INCLUDE_DIR
#
# libcallfan.so exports every function of the application's headers, and nothing that they do not name.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: check-exports.sh LIBCALLFAN_SO INCLUDE_DIR" >&2
    exit 2
fi
library=$1
headers=$(find "$2" -name '*.h' ! -name provider.h | sort)

# shellcheck disable=SC2086
declared=$(sh "$(dirname "$0")/../cmake/exports.sh" X $headers | sed -n 's/^ *\([A-Za-z0-9_]*\);$/\1/p' | sort -u)
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $NF); print $NF }' | sort -u)
if [ -z "$declared" ]; then
    echo "check-exports: no function declared in $2"
    exit 1
fi
if difference=$(diff <(echo "$declared") <(echo "$exported")); then
    echo "$(echo "$declared" | wc -l) functions declared and exported"
    exit 0
fi
echo "$difference" | sed -n 's/^< /declared, but not exported: /p; s/^> /exported, but not declared: /p'
exit 1
