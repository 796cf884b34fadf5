#!/usr/bin/env bash
# What a live call takes of all processes, in small: nothing is lost, and it is no more than the sizes of what is kept say, but for pages begun.
# ctest-timeout: 240
# ctest-labels: release-only
source "$(dirname "$0")/common.sh"
code=0
output=$(bash "$source_root/scripts/load.sh" memory --bin "$bin" --live "$(by_build 8000 300)" --calls-per-second "$(by_build 2000 60)" --monitors 3 \
    --hold-ms "$(by_build 20000 40000)" --small-pages) || code=$?
echo "$output"
[ "$code" -eq 0 ] || fail "it ended with $code"
[ "$(grep -c ': nothing lost: ' <<<"$output")" -eq 3 ] || fail "not three monitors that have lost nothing"
read -r each most < <(sed -n 's/^bytes a live call: .*all together \([0-9.]*\); .* at most \([0-9.]*\)$/\1 \2/p' <<<"$output") || fail "no bytes a live call"
# A sanitizer's own memory is no call's.
if [ "${CALLFAN_BUILD:-plain}" = plain ] && awk -v each="$each" -v most="$most" 'BEGIN { exit each <= most }'; then
    fail "a live call takes $each bytes, at most $most are right"
fi
