#!/usr/bin/env bash
# check-layers.sh SOURCE_DIR [PURE_LIBRARY...]
#
# Checks every #include line against the layers, and that the pure parts (core/, shm/ without sys_*) ask nothing of the
# operating system: their headers come from a short list, and so do the symbols which the given libraries leave undefined.
# Prints each violation, exits with 1 when there is one.
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: check-layers.sh SOURCE_DIR [PURE_LIBRARY...]" >&2
    exit 2
fi
cd "$1"
shift

files=$(find include shm core client adapters apps bench tests docs/examples -type f \
    \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) 2>/dev/null | sort || true)
if [ -z "$files" ]; then
    echo "check-layers: no sources under $PWD" >&2
    exit 2
fi

# shellcheck disable=SC2086
awk '
    function layer_of(file) {
        if (file ~ /^include\/callfan\//) return "include"
        if (file ~ /^shm\/sys_/) return "shm_sys"
        if (file ~ /^shm\//) return "shm"
        if (file ~ /^core\//) return "core"
        if (file ~ /^client\//) return "client"
        if (file ~ /^adapters\//) return "adapters"
        if (file ~ /^docs\/examples\/adapter[^\/]*$/) return "adapters"
        if (file ~ /^docs\/examples\//) return "examples"
        return "top" # apps, bench, tests
    }
    # May this layer include this header of the project?
    function allowed(layer, header,    own) {
        if (header ~ /^callfan\//) return 1
        if (layer == "examples") return header !~ /\// # what several of them share
        if (layer == "include") return 0
        if (layer == "top") {
            if (header !~ /\//) return FILENAME !~ /^apps\// # a table beside the test
            if (FILENAME ~ /^apps\//) return header ~ /^(shm|core|client|adapters|apps)\//
            return header ~ /^(shm|core|client|adapters|apps|bench|tests)\//
        }
        if (header ~ /^shm\/sys_/) return layer == "shm_sys" || layer == "client" || layer == "adapters"
        if (header ~ /^shm\//) return 1
        if (layer == "core") return header ~ /^core\//
        if (layer == "client") return header ~ /^client\//
        if (layer == "adapters") {
            split(FILENAME, path, "/")
            own = path[1] "/" path[2] "/"
            return index(header, own) == 1 || header ~ /^adapters\/provider\//
        }
        return 0
    }
    # Headers of the language that neither call the system nor allocate. Of stdio.h only formatting into memory is
    # used: see the symbols below.
    function pure(header) {
        return header ~ /^(assert|errno|inttypes|limits|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdnoreturn|string)\.h$/
    }
    # What shm/atomics.h stands on: the only file that may include it.
    function atomics(header) {
        return header ~ /^(ck_[a-z0-9_]*|stdatomic|[a-z]*intrin|sanitizer\/[a-z_]*)\.h$/
    }
    function violation(text) {
        printf "%s:%d: %s\n", FILENAME, FNR, text
        found = 1
    }
    FNR == 1 { layer = layer_of(FILENAME) }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
        quoted = ($0 ~ /include[ \t]*"/)
        header = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", header)
        sub(/[>"].*$/, "", header)
        if (quoted || header ~ /^callfan\//) {
            if (!allowed(layer, header))
                violation(layer " may not include \"" header "\"")
            next
        }
        if (FILENAME == "shm/atomics.h" && atomics(header))
            next
        if ((layer == "shm" || layer == "core") && !pure(header))
            violation(layer " is pure and may not include <" header ">")
        else if (layer !~ /^(top|examples)$/ && header ~ /^(ck_.*|stdatomic\.h)$/)
            violation("<" header "> belongs to shm/atomics.h alone")
    }
    END { exit found }
' $files || status=1

for library in "$@"; do
    if ! symbols=$(nm -u "$library"); then
        echo "check-layers: cannot read $library" >&2
        exit 2
    fi
    foreign=$(awk '$1 == "U" || $1 == "w" { print $NF }' <<<"$symbols" | sort -u | grep -Ev \
        '^(cf_.*|mem(cpy|set|move|cmp|chr)|str(len|nlen|cmp|ncmp|chr)|v?snprintf|abort|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)$' \
        || true)
    for symbol in $foreign; do
        echo "$library: pure code may not use $symbol"
        status=1
    done
done
exit "${status:-0}"
