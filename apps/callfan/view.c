#include "apps/callfan/view.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/callfan/digests.h"
#include "shm/handle.h"
#include "shm/sys_memory.h"

#define PLACES_BYTES (((size_t)CF_SLOT_MASK + 1) * sizeof(struct cf_view_place))

/* The first state that follows an announcement carries the privilege; last_ns is 0 until then. */
static bool has_state(const struct cf_view_call *c)
{
    return c->last_ns != 0;
}

uint16_t cf_view_code(DWORD state, DWORD mode)
{
    DWORD standard = state & 0x00FFFFFF;
    unsigned state_bit = standard == 0 ? 15 : (unsigned)__builtin_ctz(standard);
    unsigned mode_bit = mode == 0 ? 0 : (unsigned)__builtin_ctz(mode) + 1;
    /* 0 means ACTIVE there. */
    if (mode == 0 && (standard & (LINECALLSTATE_OFFERING | LINECALLSTATE_CONNECTED)) != 0)
        mode_bit = 1;
    return (uint16_t)(state_bit | mode_bit << 4);
}

const char *cf_view_code_name(uint16_t code, char text[48])
{
    DWORD state = (DWORD)1 << (code & 15);
    unsigned mode_bit = (code & ~CF_VIEW_RESYNC) >> 4;
    const char *mode = mode_bit == 0 ? "" : cf_call_mode_name(state, (DWORD)1 << (mode_bit - 1));
    snprintf(text, 48, "%s%s%s", cf_call_state_name(state), *mode != '\0' ? " " : "", mode);
    return text;
}

void cf_view_fini(struct cf_view *v)
{
    size_t at = 0;
    for (size_t i = 0; v->digests == NULL && i * CF_VIEW_CHUNK < v->calls_count; i++)
        free(v->chunks[i]);
    free(v->chunks);
    for (const struct cf_tool_map_entry *e; (e = cf_tool_map_next(&v->by_serial, &at)) != NULL;)
        free((void *)(uintptr_t)e->value);
    cf_tool_map_fini(&v->by_serial);
    if (v->place != NULL)
        cf_memory_unmap(v->place, PLACES_BYTES);
    *v = (struct cf_view){0};
}

_Noreturn static void no_memory(void)
{
    fprintf(stderr, "callfan check: no memory\n");
    exit(EXIT_FAILURE);
}

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    if (memory == NULL)
        no_memory();
    return memory;
}

/* Where the index of a serial stands; make: a page for it if there is none, else NULL. */
static uint32_t *place_of_serial(struct cf_tool_map *by_serial, uint64_t serial, bool make)
{
    uint64_t page, key = serial / CF_VIEW_CHUNK + 1; /* 0 is no key */
    if (!cf_tool_map_get(by_serial, key, &page)) {
        if (!make)
            return NULL;
        page = (uint64_t)(uintptr_t)allocate(CF_VIEW_CHUNK, sizeof(uint32_t));
        cf_tool_map_put(by_serial, key, page);
    }
    return (uint32_t *)(uintptr_t)page + serial % CF_VIEW_CHUNK;
}

/* The call of a handle that was not given back, or NULL. */
static struct cf_view_call *call_of(const struct cf_view *v, HCALL call)
{
    const struct cf_view_place *place = v->place == NULL ? NULL : &v->place[cf_handle_slot(call)];
    if (place == NULL || place->number == 0)
        return NULL;
    struct cf_view_call *c = cf_view_at(v, place->number - 1);
    return c->handle == call ? c : NULL;
}

/* For the newest call. */
static void put_place(struct cf_view *v, HCALL call, uint32_t device)
{
    uint32_t slot = cf_handle_slot(call);
    void *memory;
    if (v->place == NULL) {
        if (cf_memory_anonymous(PLACES_BYTES, false, &memory) != 0)
            no_memory();
        v->place = memory;
    }
    v->place[slot] = (struct cf_view_place){.number = (uint32_t)v->calls_count, .device = device};
    if (slot >= v->places_used)
        v->places_used = slot + 1;
}

/* The number that the caller's digits are; 0 when it has none or other characters. */
static uint64_t serial_of(const char *caller)
{
    uint64_t serial = 0;
    if (caller == NULL || *caller == '\0' || strlen(caller) > 18)
        return 0;
    for (; *caller != '\0'; caller++) {
        if (!isdigit((unsigned char)*caller))
            return 0;
        serial = serial * 10 + (uint64_t)(*caller - '0');
    }
    return serial;
}

static struct cf_view_call *new_call(struct cf_view *v)
{
    size_t chunk = v->calls_count / CF_VIEW_CHUNK;
    if (chunk == v->chunks_room) {
        v->chunks_room = chunk == 0 ? 1024 : chunk * 2;
        v->chunks = realloc(v->chunks, v->chunks_room * sizeof *v->chunks); /* NOLINT(bugprone-sizeof-expression): of pointers */
        if (v->chunks == NULL)
            no_memory();
    }
    if (v->calls_count % CF_VIEW_CHUNK == 0)
        v->chunks[chunk] = allocate(CF_VIEW_CHUNK, sizeof **v->chunks);
    return cf_view_at(v, v->calls_count++);
}

void cf_view_announce(struct cf_view *v, HCALL call, uint32_t device, const char *caller)
{
    uint64_t serial = serial_of(caller);
    if (v->digests != NULL) {
        bool is_new = cf_digests_announce(v->digests, call, serial);
        v->announced_twice = v->digests->twice_count;
        v->calls_count += is_new;
        v->live_count += is_new;
        return;
    }
    if (serial == 0)
        serial = call;
    uint32_t *place = place_of_serial(&v->by_serial, serial, true);
    if (*place != 0 || call_of(v, call) != NULL) {
        v->announced_twice++;
        return;
    }
    struct cf_view_call *c = new_call(v);
    c->serial = serial;
    c->dialled = serial == call;
    c->handle = call;
    c->device = device;
    *place = (uint32_t)v->calls_count;
    put_place(v, call, device);
    v->live_count++;
}

static bool digest_state(struct cf_view *v, const struct cf_batch_message *m, bool resync)
{
    enum cf_digest_told told = cf_digests_state(v->digests, m->hDevice, (uint32_t)m->dwParam1, (uint32_t)m->dwParam2);
    v->unknown_handle += told == CF_DIGEST_UNKNOWN;
    v->after_idle += told == CF_DIGEST_AFTER_IDLE;
    v->no_first_privilege += told == CF_DIGEST_FIRST && m->dwParam3 == 0;
    v->second_privilege += told == CF_DIGEST_LATER && m->dwParam3 != 0 && !resync;
    bool ended = told <= CF_DIGEST_LATER && (m->dwParam1 & LINECALLSTATE_IDLE) != 0;
    v->live_count -= ended;
    return ended;
}

bool cf_view_state(struct cf_view *v, const struct cf_batch_message *m, bool resync)
{
    if (v->digests != NULL)
        return digest_state(v, m, resync);
    struct cf_view_call *c = call_of(v, m->hDevice);
    if (c == NULL) {
        v->unknown_handle++;
        return false;
    }
    if (c->ended) {
        v->after_idle++;
        return false;
    }
    if (!has_state(c))
        c->first_ns = m->time_ns;
    v->no_first_privilege += !has_state(c) && m->dwParam3 == 0;
    v->second_privilege += has_state(c) && m->dwParam3 != 0 && !resync;
    c->last_ns = m->time_ns;
    if (c->count < CF_VIEW_STATES_MAX)
        c->state[c->count++] =
            (uint16_t)(cf_view_code((DWORD)m->dwParam1, (DWORD)m->dwParam2) | (resync ? CF_VIEW_RESYNC : 0));
    else
        c->too_long = true;
    if ((m->dwParam1 & LINECALLSTATE_IDLE) == 0)
        return false;
    c->ended = true;
    v->live_count--;
    return true;
}

bool cf_view_is(const struct cf_view *v, HCALL call, DWORD state, DWORD mode)
{
    if (v->digests != NULL)
        return true;
    const struct cf_view_call *c = call_of(v, call);
    if (c == NULL)
        return false;
    return c->too_long || (c->count > 0 && (c->state[c->count - 1] & ~CF_VIEW_RESYNC) == cf_view_code(state, mode));
}

void cf_view_give_back(struct cf_view *v, HCALL call)
{
    if (v->digests != NULL)
        cf_digests_give_back(v->digests, call);
    struct cf_view_call *c = call_of(v, call);
    if (c == NULL)
        return;
    c->handle = 0;
    v->place[cf_handle_slot(call)].number = 0;
}

static void close_call(struct cf_view *v, struct cf_view_call *c, bool behind)
{
    c->handle = 0;
    if (c->ended)
        return;
    c->voided = true;
    v->live_count--;
    v->closed_live += !behind;
}

void cf_view_close(struct cf_view *v, uint32_t device, bool behind)
{
    if (v->digests != NULL) { /* they do not know whose line it is: what lives is counted once, with the first line */
        v->closed_live += v->live_count;
        v->live_count = 0;
    }
    for (uint32_t i = 0; i < v->places_used; i++) {
        struct cf_view_place *place = &v->place[i];
        if (place->number == 0 || place->device != device)
            continue;
        close_call(v, cf_view_at(v, place->number - 1), behind);
        place->number = 0;
    }
}

const struct cf_view_call *cf_view_find(const struct cf_view *v, uint64_t serial)
{
    struct cf_tool_map by_serial = v->by_serial; /* is not changed */
    const uint32_t *place = place_of_serial(&by_serial, serial, false);
    return place == NULL || *place == 0 ? NULL : cf_view_at(v, *place - 1);
}
