#!/usr/bin/env bash
# check-conformance.sh SOURCE_DIR: docs/CONFORMANCE.md says what is true. Each rule stands in exactly one row, which names a test or says
# "not yet" or "another form"; each test that is named exists, with its case; each program of tests/conformance/ is named.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: check-conformance.sh SOURCE_DIR" >&2
    exit 2
fi
page=$1/docs/CONFORMANCE.md
tests=$1/tests
faults=0
fault() {
    echo "$*"
    faults=$((faults + 1))
}

# The rules, by letter: from-to.
rules() {
    local range
    for range in H-1-20 H-30-52 H-55-73 M-1-8 M-10-15 M-20-27 M-30-38 M-40-44 M-50-53 M-60-67 T-1-5 V-1-12 P-1-11 G-1-25 I-1-10; do
        IFS=- read -r letter from to <<<"$range"
        seq -f "$letter-%g" "$from" "$to"
    done
}

# Rows as RULE<tab>TEST, one line for each rule of a row; "M-60 to M-63" is four. The last cell is the test.
rows() {
    awk -F '|' '/^\| *[HMTVPGI]-[0-9]/ {
        test = $(NF - 1)
        n = split($2, part, ",")
        for (i = 1; i <= n; i++) {
            gsub(/ /, "", part[i])
            split(part[i], ends, "to")
            letter = substr(ends[1], 1, 1); first = substr(ends[1], 3) + 0
            last = part[i] ~ /to/ ? substr(ends[2], 3) + 0 : first
            for (k = first; k <= last; k++) print letter "-" k "\t" $3 "|" $4 "|" test
        }
    }' "$page"
}

known=$(rules | sort)
there=$(rows | cut -f1 | sort)
while read -r rule; do fault "$rule has no row"; done < <(comm -23 <(echo "$known") <(sort -u <<<"$there"))
while read -r rule; do fault "$rule is no rule"; done < <(comm -13 <(echo "$known") <(sort -u <<<"$there"))
while read -r rule; do fault "$rule has several rows"; done < <(uniq -d <<<"$there")
while IFS=$'\t' read -r rule rest; do
    grep -qE 'conformance: |(test|bug|sim|stress|model|e2e)_|not yet: |another form: |by construction: ' <<<"$rest" || fault "$rule names no test"
done < <(rows)

# What the page names, one NAME or NAME:CASE a line. After "conformance:" stand starts of names of tests/conformance/, each perhaps with cases.
named() {
    awk -F '|' '/^\|/ {
        n = split($(NF - 1), part, ";")
        for (i = 1; i <= n; i++) {
            text = part[i]
            gsub(/\([^)]*\)/, "", text); gsub(/`/, "", text)
            if (text ~ /not yet: /) sub(/not yet: .*/, "", text)
            place = ""
            if (sub(/^.*conformance: /, "", text)) place = "conformance/"
            last = ""
            k = split(text, word, /[ ,]+/)
            for (w = 1; w <= k; w++) {
                name = word[w]; colon = sub(/:$/, "", name)
                if (place != "" ? name ~ /^([A-Z]+-[0-9]+|[A-Z][A-Z_]+)/ : name ~ /^(test|bug|sim|stress|model|fuzz|e2e)_[a-z0-9_*]+$/) {
                    print place name
                    last = place name
                } else if (last != "" && name ~ /^[a-z0-9]+_[a-z0-9_]+\*?$/) print last ":" name
            }
        }
    }' "$page" | sort -u
}

# The files of a name: of tests/, by its start in tests/conformance/, of tests/e2e/.
files_of() {
    case $1 in
    conformance/*) compgen -G "$tests/$1_*.c" || compgen -G "$tests/$1.c" ;;
    e2e_*) compgen -G "$tests/e2e/${1#e2e_}.sh" ;;
    *) compgen -G "$tests/$1.c" ;;
    esac
}

used=
count=0
while IFS=: read -r name case; do
    count=$((count + 1))
    files=$(files_of "$name") || { fault "there is no $name"; continue; }
    used+=$files$'\n'
    if [ -n "$case" ]; then
        # shellcheck disable=SC2086
        grep -qE "\\b${case//\*/[a-z0-9_]*}\\b" $files || fault "$name has no case $case"
    fi
done < <(named)
for program in "$tests"/conformance/*.c; do
    grep -qxF "$program" <<<"$used" || fault "$(basename "$program") is not named"
done
[ "$count" -gt 80 ] || fault "only $count names were found: the page has another form than this reads"

if [ "$faults" -ne 0 ]; then
    exit 1
fi
echo "$(wc -l <<<"$known") rules, $count names of tests and cases, $(grep -c 'not yet: ' "$page") rows with something that is not yet"
