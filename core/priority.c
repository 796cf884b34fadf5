/* The lists, and the requests that ask for them; see priority.h. */
#include "core/priority.h"

#include <string.h>

#include "core/requests.h"

uint32_t cf_priority_mode(uint64_t media) {
    return cf_media_mode_valid(media) ? (uint32_t)__builtin_ctzll(media) - 1 : CF_PRIORITY_MODES;
}

/* Where the name stands in the list, from 1; 0: nowhere. */
static uint32_t rank_of(const struct cf_priority_list *l, const char *name) {
    for (uint32_t i = 0; i < l->count; i++)
        if (strncmp(l->name[i], name, CF_NAME_MAX) == 0)
            return i + 1;
    return 0;
}

bool cf_priorities_check(const struct cf_priorities *p) {
    for (uint32_t mode = 0; mode < CF_PRIORITY_MODES; mode++) {
        const struct cf_priority_list *l = &p->modes[mode];
        if (l->count > CF_PRIORITY_NAMES)
            return false;
        for (uint32_t i = 0; i < l->count; i++)
            if (l->name[i][0] == '\0' || l->name[i][CF_NAME_MAX - 1] != '\0' || rank_of(l, l->name[i]) != i + 1)
                return false;
    }
    return true;
}

/* ------------------------------------------------------------------ what others see */

void cf_priorities_show(struct cf_engine *e) {
    struct cf_priorities_shown *s = e->priorities_shown;
    uint64_t writing = s->version | 1; /* also what a core that died here left behind */
    cf_store_release_64(&s->version, writing);
    cf_fence_store_load(); /* Q0: odd before the content; pairs with Q0 in cf_priorities_read() */
    s->priorities = *e->priorities;
    cf_store_release_64(&s->version, writing + 1); /* Q1: after the content; pairs with Q1 */
}

bool cf_priorities_read(const struct cf_priorities_shown *shown, uint64_t *version, struct cf_priorities *ret_priorities) {
    uint64_t before = cf_load_acquire_64(&shown->version); /* Q1 */
    if ((before & 1) != 0 || before <= *version) /* older: the memory is not what it was */
        return false;
    *ret_priorities = shown->priorities; /* Race: with a writer; then the versions differ and nothing of it is used */
    cf_fence_store_load(); /* Q0 */
    if (cf_load_acquire_64(&shown->version) != before)
        return false;
    *version = before;
    return true;
}

/* ------------------------------------------------------------------ ranks */

uint32_t cf_priority_rank(const struct cf_engine *e, uint32_t port, uint32_t media) {
    uint32_t mode = cf_priority_mode(media);
    uint32_t rank = mode == CF_PRIORITY_MODES ? 0 : e->ports[port].rank[mode];
    return rank != 0 ? rank : CF_PRIORITY_NAMES + 1;
}

void cf_priority_of_port(struct cf_engine *e, uint32_t port) {
    struct cf_port *p = &e->ports[port];
    cf_touch_one(e, p->rank);
    for (uint32_t mode = 0; mode < CF_PRIORITY_MODES; mode++)
        p->rank[mode] = (uint8_t)rank_of(&e->priorities->modes[mode], p->name);
}

bool cf_priority_check_port(const struct cf_engine *e, uint32_t port) {
    const struct cf_port *p = &e->ports[port];
    for (uint32_t mode = 0; mode < CF_PRIORITY_MODES; mode++)
        if (p->rank[mode] != rank_of(&e->priorities->modes[mode], p->name))
            return false;
    return true;
}

/* ------------------------------------------------------------------ lineSetAppPriority, lineGetAppPriority */

static void remove_at(struct cf_priority_list *l, uint32_t at) {
    memmove(l->name[at], l->name[at + 1], (size_t)(l->count - at - 1) * CF_NAME_MAX);
    memset(l->name[--l->count], 0, CF_NAME_MAX);
}

static void put_first(struct cf_priority_list *l, const char *name) {
    memmove(l->name[1], l->name[0], (size_t)l->count++ * CF_NAME_MAX);
    memcpy(l->name[0], name, CF_NAME_MAX);
}

/* Whoever may own the calls of some line may say who comes first. */
static bool may_set(const struct cf_rights *r) {
    for (uint32_t i = 0; i < r->rules_count; i++)
        if ((r->rules[i].bits & CF_RIGHT_OWN) != 0)
            return true;
    return false;
}

static int32_t set_priority(struct cf_engine *e, uint32_t port, uint32_t mode, const char *name) {
    uint64_t wanted = e->in.m.param2; /* 1 first, 0 not in the list */
    struct cf_priority_list *l = &e->priorities->modes[mode];
    uint32_t rank = rank_of(l, name);
    if (wanted > 1)
        return LINEERR_INVALPARAM;
    if (!may_set(e->view[port].rights))
        return cf_request_denied(e, LINEERR_OPERATIONUNAVAIL);
    if (rank == wanted)
        return 0;
    if (rank == 0 && l->count == CF_PRIORITY_NAMES)
        return LINEERR_RESOURCEUNAVAIL; /* nobody falls out at its end unsaid */
    cf_touch_range(&e->journal, l, sizeof *l);
    if (rank != 0)
        remove_at(l, rank - 1);
    if (wanted == 1)
        put_first(l, name);
    for (uint32_t other = 1; other < e->ports_count; other++)
        if (e->ports[other].kind == CF_PORT_APPLICATION && e->ports[other].state != CF_PORT_NONE) {
            cf_touch_one(e, e->ports[other].rank);
            e->ports[other].rank[mode] = (uint8_t)rank_of(l, e->ports[other].name);
        }
    e->priorities_changed = true;
    return 0;
}

bool cf_priority_take(struct cf_engine *e, uint32_t port) {
    bool set = e->in.m.id == CF_REQ_SET_APP_PRIORITY;
    if (!set && e->in.m.id != CF_REQ_GET_APP_PRIORITY)
        return false;
    uint32_t mode = cf_priority_mode(e->in.m.param1);
    char name[CF_NAME_MAX] = {0};
    struct cf_field f;
    bool named = cf_fields_find(&e->in, CF_FIELD_APP_PRIORITY, &f) && f.bytes != 0 && f.bytes < CF_NAME_MAX &&
                 memchr(f.data, '\0', f.bytes) == NULL;
    int32_t error = !named ? LINEERR_INVALAPPNAME : mode == CF_PRIORITY_MODES ? LINEERR_INVALMEDIAMODE : 0;
    if (error != 0) {
        cf_output_answer(e, port, error, NULL, 0);
        return true;
    }
    memcpy(name, f.data, f.bytes);
    struct cf_reply_app_priority r = {.priority = rank_of(&e->priorities->modes[mode], name)};
    if (set)
        cf_output_answer(e, port, set_priority(e, port, mode, name), NULL, 0);
    else
        cf_output_answer(e, port, 0, &r, sizeof r);
    return true;
}
