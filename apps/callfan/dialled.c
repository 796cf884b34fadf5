#include "apps/callfan/dialled.h"

#include <assert.h>
#include <stdlib.h>

#define NO_PLACE UINT32_MAX

bool cf_dialled_init(struct cf_dialled *d, uint32_t calls_room)
{
    *d = (struct cf_dialled){.calls_room = calls_room, .first_free = NO_PLACE};
    d->calls = calloc(calls_room, sizeof *d->calls);
    return d->calls != NULL;
}

void cf_dialled_fini(struct cf_dialled *d)
{
    free(d->calls);
    cf_tool_map_fini(&d->by_handle);
    cf_tool_map_fini(&d->by_request);
    *d = (struct cf_dialled){0};
}

struct cf_dialled_call *cf_dialled_take(struct cf_dialled *d, DWORD device, int64_t now_ns)
{
    assert(d->live < d->calls_room && now_ns != 0);
    uint32_t place = d->first_free;
    if (place == NO_PLACE)
        place = d->calls_used++;
    else
        d->first_free = d->calls[place].next_free;
    d->calls[place] = (struct cf_dialled_call){.device = device, .made_ns = now_ns};
    d->live++;
    return &d->calls[place];
}

static uint64_t value_of(const struct cf_dialled *d, const struct cf_dialled_call *c)
{
    return (uint64_t)(c - d->calls) + 1;
}

void cf_dialled_has_handle(struct cf_dialled *d, struct cf_dialled_call *c)
{
    cf_tool_map_put(&d->by_handle, c->handle, value_of(d, c));
}

void cf_dialled_set_request(struct cf_dialled *d, struct cf_dialled_call *c, LONG request)
{
    if (c->request != 0)
        cf_tool_map_remove(&d->by_request, (uint64_t)c->request);
    c->request = request;
    if (request != 0)
        cf_tool_map_put(&d->by_request, (uint64_t)request, value_of(d, c));
}

void cf_dialled_forget(struct cf_dialled *d, struct cf_dialled_call *c)
{
    if (c->handle != 0)
        cf_tool_map_remove(&d->by_handle, c->handle);
    cf_dialled_set_request(d, c, 0);
    *c = (struct cf_dialled_call){.next_free = d->first_free};
    d->first_free = (uint32_t)(c - d->calls);
    d->live--;
}

static struct cf_dialled_call *find(const struct cf_dialled *d, const struct cf_tool_map *map, uint64_t key)
{
    uint64_t value;
    return key != 0 && cf_tool_map_get(map, key, &value) ? &d->calls[value - 1] : NULL;
}

struct cf_dialled_call *cf_dialled_by_handle(const struct cf_dialled *d, HCALL handle)
{
    return find(d, &d->by_handle, handle);
}

struct cf_dialled_call *cf_dialled_by_request(const struct cf_dialled *d, uint64_t request)
{
    return find(d, &d->by_request, request);
}

struct cf_dialled_call *cf_dialled_next(const struct cf_dialled *d, uint32_t *at)
{
    while (*at < d->calls_used) {
        struct cf_dialled_call *c = &d->calls[(*at)++];
        if (c->made_ns != 0)
            return c;
    }
    return NULL;
}
