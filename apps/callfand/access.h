/*
 * Access: who may connect, and what each may then do, as the configuration says it in sections `access NAME { ... }`.
 *
 * Shape      sections in the order of the file; the first one that names the asker's user or one of its groups counts
 * Invariant  root and callfand's own user have everything. Without any section so have the members of the socket's group. Nobody
 *            else has anything
 * Errors     of reading: the option at fault and a sentence
 * Writers    nobody after cf_config_load()
 * Trust      user and groups come from the kernel, as it saw them at connect()
 */
#ifndef CF_CALLFAND_ACCESS_H
#define CF_CALLFAND_ACCESS_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "callfan/limits.h"
#include "core/rights.h"

#define CF_ACCESS_SECTIONS_MAX 64
#define CF_ACCESS_IDS_MAX      64 /* users, and groups, of a section */

struct cf_access_section {
    char name[CF_NAME_MAX];
    uint32_t users_count, groups_count, providers_count, rules_count;
    uint32_t users[CF_ACCESS_IDS_MAX];
    uint32_t groups[CF_ACCESS_IDS_MAX];
    uint64_t providers[CF_PROVIDERS_MAX]; /* cf_rights_provider(): external ones that it may be */
    struct cf_rights_rule rules[CF_RIGHTS_RULES_MAX];
    uint32_t status; /* 1: may read it */
    /* limits of its own; 0: those of everybody */
    uint32_t handles, open_lines, requests_per_turn, ring_bytes;
    uint32_t applications; /* of each user at once */
    uint32_t reserved;
};

/* ------------------------------------------------------------------ asking */

struct cf_access_rules {
    const struct cf_access_section *sections;
    uint32_t sections_count;
    uid_t own_uid;      /* callfand's */
    int64_t socket_gid; /* -1: none */
};

struct cf_access_asker {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary ones */
    uint32_t groups_count;
};

/* What somebody has. */
struct cf_grant {
    bool admitted;
    const struct cf_access_section *section; /* NULL: everything */
};

struct cf_grant cf_access_find(const struct cf_access_rules *rules, const struct cf_access_asker *asker);

bool cf_grant_status(const struct cf_grant *grant);
bool cf_grant_provider(const struct cf_grant *grant, const char *name);

/* The rights of an application with that grant, within the limits of everybody. */
void cf_grant_rights(const struct cf_grant *grant, const struct cf_limits *limits, struct cf_rights *ret_rights);

/* The largest ring of an application with that grant. */
uint32_t cf_grant_ring_bytes(const struct cf_grant *grant, uint32_t ring_bytes_max);

/* ------------------------------------------------------------------ reading (access_read.c) */

enum { CF_ACCESS_OPTIONS = 12 }; /* the end included */

/* Fills the options of a section. */
void cf_access_options(cfg_opt_t options[CF_ACCESS_OPTIONS]);

/* A key of the section? */
bool cf_access_knows(const char *name);

struct cf_access_provider {
    const char *name;
    bool external;
};

/* What a section is read against. */
struct cf_access_world {
    const struct cf_limits *limits;
    uint32_t ring_bytes_max;
    const struct cf_access_provider *providers;
    uint32_t providers_count;
};

/* Reads a section. False: ret_key is the option at fault, NULL the section itself, and why says what is wrong. */
bool cf_access_read(cfg_t *section, const struct cf_access_world *world, struct cf_access_section *ret_access,
                    const char **ret_key, char *why, size_t why_bytes);

#endif
