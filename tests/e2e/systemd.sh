#!/usr/bin/env bash
# The unit for systemd: without fault, hardened, and allowing every system call that core and providers allow themselves; the file of
# the service's user.
# ctest-timeout: 60
source "$(dirname "$0")/common.sh"
command -v systemd-analyze >/dev/null || exit 77
new_folder
unit=$service_folder/callfand.service
sed "s|@BINDIR@|$bin|" "$source_root/etc/systemd/callfand.service" >"$unit"
! grep -q '@[A-Z]*@' "$unit" || fail "something is not replaced in the unit"

said=$(systemd-analyze verify --man=no "$unit" 2>&1) || fail "verify: $said"
[ -z "$said" ] || fail "verify: $said" # what it does not know it warns of, and ignores

# 0 is nothing left to attack, 10 no protection; the threshold is in tenths.
systemd-analyze security --offline=true --threshold=20 "$unit" >"$service_folder/security" ||
    fail "the exposure is above 2.0: $(tail -n 1 "$service_folder/security")"
! systemd-analyze security --offline=true --threshold=5 "$unit" >/dev/null || fail "the threshold does nothing"

# What a list of groups and calls comes to.
expand() {
    local word
    for word in "$@"; do
        case $word in
        @*)
            # shellcheck disable=SC2046
            expand $(systemd-analyze syscall-filter "$word" | awk 'NR > 1 && $1 !~ /^#/ { print $1 }')
            ;;
        *) echo "$word" ;;
        esac
    done
}
allowed=
while read -r line; do
    line=${line#SystemCallFilter=}
    # shellcheck disable=SC2086
    if [ "${line#\~}" != "$line" ]; then
        allowed=$(comm -23 <(sort -u <<<"$allowed") <(expand ${line#\~} | sort -u))
    else
        allowed=$(sort -u <<<"$allowed"$'\n'"$(expand $line)")
    fi
done < <(grep '^SystemCallFilter=' "$unit")
[ "$(wc -l <<<"$allowed")" -gt 200 ] || fail "only these calls are allowed: $allowed"
needed=$(grep -o 'SCMP_SYS([a-z0-9_]*)' "$source_root/shm/sys_confine_filter.c" | sed 's/.*(\(.*\))/\1/' | sort -u)
[ "$(wc -l <<<"$needed")" -gt 60 ] || fail "only these calls are in the filter: $needed"
missing=$(comm -23 <(echo "$needed") <(sort -u <<<"$allowed"))
[ -z "$missing" ] || fail "the unit forbids what the programs need: $missing"
for call in ptrace mount bpf setuid keyctl userfaultfd init_module; do
    ! grep -qx "$call" <<<"$allowed" || fail "the unit allows $call"
done

command -v systemd-sysusers >/dev/null || exit 0
mkdir -p "$service_folder/root/etc"
systemd-sysusers --root="$service_folder/root" "$source_root/etc/systemd/callfan.sysusers" >/dev/null 2>&1 ||
    fail "the file of the user is wrong"
grep -q '^callfan:' "$service_folder/root/etc/passwd" || fail "no user was made"
