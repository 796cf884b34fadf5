/* Who has what. */
#include "apps/callfand/access.h"

#include <string.h>

static bool has(const uint32_t *ids, uint32_t count, uint32_t id)
{
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static bool in_group(const struct cf_access_asker *asker, int64_t gid)
{
    if (gid < 0)
        return false;
    if ((int64_t)asker->gid == gid)
        return true;
    for (uint32_t i = 0; i < asker->groups_count; i++)
        if ((int64_t)asker->groups[i] == gid)
            return true;
    return false;
}

static bool names(const struct cf_access_section *section, const struct cf_access_asker *asker)
{
    if (has(section->users, section->users_count, asker->uid))
        return true;
    for (uint32_t i = 0; i < section->groups_count; i++)
        if (in_group(asker, section->groups[i]))
            return true;
    return false;
}

struct cf_grant cf_access_find(const struct cf_access_rules *rules, const struct cf_access_asker *asker)
{
    if (asker->uid == 0 || asker->uid == rules->own_uid)
        return (struct cf_grant){.admitted = true};
    if (rules->sections_count == 0)
        return (struct cf_grant){.admitted = in_group(asker, rules->socket_gid)};
    for (uint32_t i = 0; i < rules->sections_count; i++)
        if (names(&rules->sections[i], asker))
            return (struct cf_grant){true, &rules->sections[i]};
    return (struct cf_grant){0};
}

bool cf_grant_status(const struct cf_grant *grant)
{
    return grant->admitted && (grant->section == NULL || grant->section->status != 0);
}

bool cf_grant_provider(const struct cf_grant *grant, const char *name)
{
    if (!grant->admitted || grant->section == NULL)
        return grant->admitted;
    uint64_t digest = cf_rights_provider(name);
    for (uint32_t i = 0; i < grant->section->providers_count; i++)
        if (grant->section->providers[i] == digest)
            return true;
    return false;
}

/* The running limits may be lower than those that the section was read against, when these need a restart. */
static uint32_t lower(uint32_t own, uint32_t everybodys)
{
    return own == 0 || own > everybodys ? everybodys : own;
}

void cf_grant_rights(const struct cf_grant *grant, const struct cf_limits *limits, struct cf_rights *ret_rights)
{
    const struct cf_access_section *s = grant->section;
    cf_rights_everything(ret_rights, limits);
    if (s == NULL)
        return;
    memset(ret_rights->rules, 0, sizeof ret_rights->rules);
    memcpy(ret_rights->rules, s->rules, s->rules_count * sizeof s->rules[0]);
    memcpy(ret_rights->name, s->name, sizeof ret_rights->name);
    ret_rights->rules_count = s->rules_count;
    ret_rights->handles = lower(s->handles, limits->handles);
    ret_rights->open_lines = lower(s->open_lines, limits->open_lines);
    ret_rights->records = lower(s->requests_per_turn, limits->port_records);
}

uint32_t cf_grant_ring_bytes(const struct cf_grant *grant, uint32_t ring_bytes_max)
{
    return lower(grant->section == NULL ? 0 : grant->section->ring_bytes, ring_bytes_max);
}
