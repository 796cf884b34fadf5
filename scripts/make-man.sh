#!/usr/bin/env bash
# make-man.sh SOURCE_DIR OUT_DIR VERSION: writes the manual pages of section 3, one for each function of callfan/tapi.h, and
# OUT_DIR/faults, where scripts/check-man-api.sh looks. Nothing but awk is needed.
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: make-man.sh SOURCE_DIR OUT_DIR VERSION" >&2
    exit 2
fi
source_dir=$1
out=$2
include=$source_dir/include/callfan
rm -rf "$out"
mkdir -p "$out"
date=$(sed -n '1s/.* "\([0-9-]*\)".*/\1/p' "$source_dir/docs/man/callfand.8")
awk -f "$source_dir/scripts/api.awk" "$include/tapi_const.h" "$include/tapi.h" "$include/tapi_services.h" "$include/tapi_callfan.h" |
    awk -v folder="$out" -v date="$date" -v version="$3" -f "$source_dir/scripts/man-pages.awk" \
        "$source_dir/client/errors.c" "$source_dir/docs/man/parameters" -
while read -r page other; do
    ln -s "$page" "$out/$other"
done < "$out/links"
rm "$out/links"
