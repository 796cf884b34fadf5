#!/usr/bin/env bash
# check-man-api.sh SOURCE_DIR API_DIR BUILD_DIR CC
#
# The manual pages of the functions: each function that the compiler sees in callfan/tapi.h has a page, whose synopsis is its
# prototype; there is no page of anything else; every function has a comment and every parameter a description; and cmake
# --install puts the pages where man looks. That a function without a comment is found is tried on a copy of the header.
set -euo pipefail

if [ $# -ne 4 ]; then
    echo "usage: check-man-api.sh SOURCE_DIR API_DIR BUILD_DIR CC" >&2
    exit 2
fi
if ! command -v mandoc >/dev/null; then
    echo "check-man-api: mandoc is missing (scripts/deps.sh installs it)"
    exit 77
fi
source_dir=$1
pages=$2
build=$3
cc=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faults=0
fault() {
    echo "$*"
    faults=$((faults + 1))
}

# One blank between words, none after a star or a parenthesis: how a prototype was broken into lines does not matter.
even() {
    tr -s ' \n\t' ' ' | sed 's/\* /*/g; s/( /(/g; s/^ //; s/ $//'
}

# The prototypes that the compiler sees, one a line. CF_API, defined as itself, stays before each.
prototypes() {
    echo '#include <callfan/tapi.h>' | "$cc" -E -P -DCF_API=CF_API -I"$source_dir/include" -x c - |
        awk 'BEGIN { RS = ";" } /CF_API/ { sub(/^.*CF_API/, ""); gsub(/[ \n\t]+/, " "); print $0 ";" }' | sed 's/^ //; s/\* /*/g; s/( /(/g'
}

synopsis() {
    mandoc -T utf8 -O width=200 "$1" | col -bx | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | even
}

while read -r prototype; do
    name=${prototype%%(*}
    name=${name##*[ *]}
    echo "$name.3" >> "$work/declared"
    if [ ! -f "$pages/$name.3" ]; then
        fault "$name has no page"
    elif ! grep -qF -- "$prototype" <<<"$(synopsis "$pages/$name.3")"; then
        fault "the page of $name does not show: $prototype"
    fi
done < <(prototypes)
{ cat "$work/declared"; echo callfan_tapi.3; } | sort > "$work/expected"
find "$pages" -name '*.3' -printf '%f\n' | sort > "$work/there"
comm -13 "$work/expected" "$work/there" | sed 's/$/ is a page of no function/' > "$work/foreign"
while read -r said; do fault "$said"; done < <(cat "$work/foreign" "$pages/faults")
declared=$(wc -l < "$work/declared")
[ "$declared" -gt 30 ] || fault "only $declared functions found"

cmake --install "$build" --component man --prefix "$work/installed" > "$work/install.log" ||
    fault "cmake --install --component man failed"
for page in $(cat "$work/expected") callfand.8 callfan.1 callfan.conf.5; do
    [ -f "$work/installed/share/man/man${page##*.}/$page" ] || fault "cmake --install does not install $page"
done

mkdir -p "$work/copy/include/callfan" "$work/copy/docs"
cp "$source_dir"/include/callfan/*.h "$work/copy/include/callfan/"
cp -r "$source_dir/client" "$source_dir/scripts" "$work/copy/"
cp -r "$source_dir/docs/man" "$work/copy/docs/"
sed -i 's|^/\* Puts a CONNECTED.*|\nCF_API LONG lineBare(HCALL hCall, DWORD dwUnheardOf);\n\n&|' "$work/copy/include/callfan/tapi.h"
bash "$work/copy/scripts/make-man.sh" "$work/copy" "$work/pages" 0
for said in 'lineBare has no comment' 'nothing says what dwUnheardOf is'; do
    grep -q "$said" "$work/pages/faults" || fault "a function without a comment is not found: $said"
done

if [ "$faults" -ne 0 ]; then
    exit 1
fi
echo "$declared functions, each with its page"
