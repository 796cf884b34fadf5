/*
 * What a process gives up for good: its user, its capabilities, the sight of its memory, and system calls.
 *
 * Shape      four steps that a process takes in this order: become (another user), harden (no capabilities, no new privileges, memory
 *            that others of the same user may not look into), start threads and open what is needed, filter (system calls)
 * Invariant  none of them can be undone, also not by execve(2), but for the sight of the memory, which execve(2) gives back
 * Overlap    become and harden before the first thread; filter once, it binds all threads
 * Errors     negative errno; after one the process is half confined and should end
 * Source     credentials(7), capabilities(7), prctl(2), seccomp(2)
 *
 * A call that the filter does not allow ends the process by SIGSYS, so that whoever started it sees it. Under a sanitizer, whose
 * own calls are others, filter and harden do nothing: cf_confine_filters() tells.
 */
#ifndef CF_SHM_SYS_CONFINE_H
#define CF_SHM_SYS_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CF_GROUPS_MAX 32

struct cf_identity {
    bool set; /* false: stay who you are */
    uid_t uid;
    gid_t gid;
    uint32_t groups_count;
    gid_t groups[CF_GROUPS_MAX]; /* all of them, the first is gid */
};

/* A user by name or number, with all groups of its own. -ENOENT: there is none, -E2BIG: more than CF_GROUPS_MAX groups. */
int cf_identity_find(const char *user, struct cf_identity *ret_identity);

/* One more group, by name or number or by value; it may be there already. */
int cf_identity_add_group_named(struct cf_identity *identity, const char *group);
int cf_identity_add_group(struct cf_identity *identity, gid_t group);

/* Whether this process, as it is now, can become it. */
bool cf_identity_possible(const struct cf_identity *identity);

/*
 * Becomes it, empties the capabilities and their bounding set when it was root, and makes sure that there is no way back. Does nothing
 * when it is not set. Clears PR_SET_PDEATHSIG, as every change of user does.
 */
int cf_confine_become(const struct cf_identity *identity);

/* No core file, and nobody of the same user may trace it or open what lies in its folder of /proc. */
int cf_confine_hide(void);

/* Hides; no capabilities, not even as root; no new ones through execve(2). */
int cf_confine_harden(void);

/* Classes of system calls beyond those that every process of Callfan needs: memory, time, signals, open descriptors. */
enum cf_calls {
    CF_CALLS_DOOR = 1 << 0,     /* accepts peers, makes memory objects and bells */
    CF_CALLS_LOCAL = 1 << 1,    /* AF_UNIX sockets */
    CF_CALLS_INTERNET = 1 << 2, /* UDP and TCP sockets */
    CF_CALLS_URING = 1 << 3,    /* uses an io_uring that it has; makes none */
    CF_CALLS_TTY = 1 << 4,      /* opens files that exist, for reading and writing, and sets terminals */
};

/* From here on only the calls of these classes. -ENOSYS: this kernel has no filters. */
int cf_confine_filter(uint32_t calls);

/* False: this build has no filters, since a sanitizer's calls would be ended by them. */
bool cf_confine_filters(void);

#endif
