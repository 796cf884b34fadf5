#!/usr/bin/env bash
# check-man.sh MAN_DIR API_DIR PROGRAM...
#
# The manual pages, those of the programs and those of the functions (scripts/make-man.sh): mandoc finds no fault in them; every program has one; and a page names each option that its program's --help
# names (for callfan in the part of the command), and each key of the configuration that the help of a provider lists.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "usage: check-man.sh MAN_DIR API_DIR PROGRAM..." >&2
    exit 2
fi
if ! command -v mandoc >/dev/null; then
    echo "check-man: mandoc is missing (scripts/deps.sh installs it)"
    exit 77
fi
folder=$1
api=$2
shift 2
faults=0
fault() {
    echo "$*"
    faults=$((faults + 1))
}

# The text of a page, without its markup.
plain() {
    sed -e 's/\\f[BIRP]//g; s/\\-/-/g; s/"//g' "$1"
}

# The part of the page of callfan that is about a command, and what is said of all commands.
part_of() {
    plain "$1" | awk -v command="$2" '
        /^\.S[SH] / { inside = ($0 ~ /^\.SH (SYNOPSIS|DESCRIPTION)/) || (/^\.SS callfan / && $0 ~ "[ ,]" command "([ ,]|$)") }
        inside { found += /^\.SS/; print }
        END { exit found == 0 }'
}

# options HELP: the options it lists, one per line.
options() {
    grep -oE '^ +(-[a-z], )?--[a-z-]+' <<<"$1" | grep -oE -- '--?[a-z][a-z-]*' | sort -u
}

# keys HELP: the keys of the configuration it lists.
keys() {
    sed -n '/^Keys of its section:/,$p' <<<"$1" | sed -nE 's/^  ([a-z0-9_]+) = .*/\1/p'
}

# compare WHAT TEXT HELP: each option and key of the help is in the text.
compare() {
    local name
    while read -r name; do
        [ -z "$name" ] || grep -qE -- "(^|[^a-z0-9_-])$name([^a-z0-9_-]|$)" <<<"$2" || fault "$1 does not name $name"
    done < <(options "$3" && keys "$3")
}

for page in "$folder"/*.[1-8] "$api"/*.3; do
    faulty=$(mandoc -T lint -W warning "$page" || true)
    [ -z "$faulty" ] || fault "$faulty"
    for section in NAME DESCRIPTION "SEE ALSO"; do
        grep -qx "\.SH $section" "$page" || fault "$page has no section $section"
    done
done

for program in "$@"; do
    name=$(basename "$program")
    page=$(find "$folder" -name "$name.[18]")
    if [ -z "$page" ]; then
        fault "$name has no page"
        continue
    fi
    help=$("$program" --help)
    if [ "$name" != callfan ]; then
        compare "$page" "$(plain "$page")" "$help"
        continue
    fi
    for command in $(sed -nE 's/^  ([a-z]+) +.*/\1/p' <<<"$help"); do
        if text=$(part_of "$page" "$command"); then
            compare "$page: callfan $command" "$text" "$("$program" "$command" --help)"
        else
            fault "$page has no part about callfan $command"
        fi
    done
done
if [ "$faults" -ne 0 ]; then
    exit 1
fi
echo "$(find "$folder" "$api" -name '*.[1-8]' | wc -l) pages, $# programs"
