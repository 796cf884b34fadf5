/* User and privileges; the filter is in sys_confine_filter.c. */
#define _GNU_SOURCE 1
#include "shm/sys_confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64
#define OWN_GROUPS_MAX   256

/* ------------------------------------------------------------------ who */

/* A whole number that is a user or a group; -1 means "unchanged" to the system and is none. */
static bool read_number(const char *text, uint32_t *ret_number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number >= UINT32_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

int cf_identity_find(const char *user, struct cf_identity *ret_identity)
{
    struct cf_identity i = {.set = true};
    uint32_t number;
    struct passwd *entry = getpwnam(user);
    if (entry == NULL && read_number(user, &number)) {
        entry = getpwuid(number);
        i.uid = i.gid = number; /* of nobody that the system knows: a group of the same number */
    }
    if (entry == NULL) {
        if (!read_number(user, &number))
            return -ENOENT;
        i.groups[0] = i.gid;
        i.groups_count = 1;
        *ret_identity = i;
        return 0;
    }
    int count = CF_GROUPS_MAX;
    i.uid = entry->pw_uid;
    i.gid = entry->pw_gid;
    if (getgrouplist(entry->pw_name, i.gid, i.groups, &count) < 0)
        return -E2BIG;
    i.groups_count = (uint32_t)count;
    *ret_identity = i;
    return 0;
}

int cf_identity_add_group(struct cf_identity *identity, gid_t group)
{
    for (uint32_t i = 0; i < identity->groups_count; i++)
        if (identity->groups[i] == group)
            return 0;
    if (identity->groups_count == CF_GROUPS_MAX)
        return -E2BIG;
    identity->groups[identity->groups_count++] = group;
    return 0;
}

int cf_identity_add_group_named(struct cf_identity *identity, const char *group)
{
    uint32_t number;
    struct group *entry = getgrnam(group);
    if (entry != NULL)
        return cf_identity_add_group(identity, entry->gr_gid);
    return read_number(group, &number) ? cf_identity_add_group(identity, number) : -ENOENT;
}

/* Already it: user and group; more groups would need root. */
static bool is(const struct cf_identity *identity)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;
    return getresuid(&r, &e, &s) == 0 && getresgid(&gr, &ge, &gs) == 0 && r == identity->uid && e == r && s == r &&
           gr == identity->gid && ge == gr && gs == gr;
}

static bool has_groups(const struct cf_identity *identity)
{
    gid_t own[OWN_GROUPS_MAX];
    int count = getgroups(OWN_GROUPS_MAX, own);
    for (uint32_t i = 0; i < identity->groups_count; i++) {
        bool found = identity->groups[i] == identity->gid;
        for (int k = 0; k < count; k++)
            found |= own[k] == identity->groups[i];
        if (!found)
            return false;
    }
    return true;
}

bool cf_identity_possible(const struct cf_identity *identity)
{
    return !identity->set || geteuid() == 0 || (is(identity) && has_groups(identity));
}

/* ------------------------------------------------------------------ capabilities */

static int clear_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* EINVAL before Linux 4.3: there are none */
    return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
}

/* Without CAP_SETPCAP the set stays, and is of no use to who has no capabilities and gets no new privileges. */
static void empty_bounding_set(void)
{
    for (unsigned long c = 0; c < CAPABILITIES_MAX && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

int cf_confine_become(const struct cf_identity *identity)
{
    if (!identity->set || (geteuid() != 0 && is(identity) && has_groups(identity)))
        return 0;
    empty_bounding_set();
    if (setgroups(identity->groups_count, identity->groups) != 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) != 0)
        return -errno;
    if (!is(identity))
        return -EPERM;
    if (identity->uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
        return -EPERM; /* there is a way back */
    if (identity->uid != 0 && identity->gid != 0 && setresgid((gid_t)-1, 0, (gid_t)-1) == 0)
        return -EPERM;
#ifdef CF_SANITIZED
    prctl(PR_SET_DUMPABLE, 1); /* LeakSanitizer traces its own process */
#endif
    return clear_capabilities();
}

/* ------------------------------------------------------------------ hidden, hardened */

bool cf_confine_filters(void)
{
#ifdef CF_SANITIZED
    return false;
#else
    return true;
#endif
}

int cf_confine_hide(void)
{
    if (!cf_confine_filters())
        return 0;
    struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 ? 0 : -errno;
}

int cf_confine_harden(void)
{
    if (!cf_confine_filters())
        return 0;
    empty_bounding_set();
    int error = clear_capabilities();
    if (error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        error = -errno;
    return error != 0 ? error : cf_confine_hide();
}
