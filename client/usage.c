/*
 * Usages: lineInitializeEx, lineShutdown, and who is inside.
 *
 * Shape      a table of CF_USAGES_PER_PROCESS usages in static memory, so that a handle of a dead usage is found void without
 *            touching what the usage owned
 * Invariant  `life` odd: everything of the usage stands. A thread counts itself in `users` before it looks at `life`; lineShutdown
 *            makes `life` even before it looks at `users`
 * Writers    claimed: under the registry's lock. life: the thread that initialises, then the one whose CAS ends it
 * Progress   entering wait-free, leaving lock-free; lineShutdown waits for the threads inside, all of which it wakes
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client/internal.h"
#include "shm/hello.h"
#include "shm/sys_futex.h"
#include "shm/sys_memory.h"

#define GENERATION_LIMIT UINT32_C(0xFFFFFF00) /* a usage number that came so far is not given out any more */

static struct cf_usage usages[CF_USAGES_PER_PROCESS];
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t registry_once = PTHREAD_ONCE_INIT;
static uint32_t live_count;

int64_t cf_monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ------------------------------------------------------------------ inside */

static struct cf_usage *enter(uint32_t number, uint32_t life, bool any_life, LONG void_error, LONG *ret_error)
{
    struct cf_usage *u = &usages[number];
    cf_add_relaxed_32(&u->users, 1);
    cf_fence_store_load(); /* U0: counted before life is read; pairs with U0 in lineShutdown() */
    uint32_t now = cf_load_acquire_32(&u->life);
    if (cf_likely(any_life ? cf_generation_live(now) : now == life && cf_generation_live(life)))
        return u;
    cf_usage_leave(u);
    *ret_error = cf_load_relaxed_32(&live_count) == 0 ? LINEERR_UNINITIALIZED : void_error;
    return NULL;
}

struct cf_usage *cf_usage_enter_app(HLINEAPP app, LONG *ret_error)
{
    uint32_t life = cf_handle_kind(app) == CF_KIND_USAGE && cf_handle_slot(app) == 0 ? cf_handle_generation(app) : 0;
    return enter(cf_handle_usage(app), life, false, LINEERR_INVALAPPHANDLE, ret_error);
}

struct cf_usage *cf_usage_enter(uint64_t handle, enum cf_handle_kind kind, LONG *ret_error)
{
    LONG error = kind == CF_KIND_LINE ? LINEERR_INVALLINEHANDLE : LINEERR_INVALCALLHANDLE;
    /* Whether the handle itself lives is for its table to say; one of another kind belongs to no usage. */
    bool right = cf_handle_kind(handle) == kind;
    return enter(cf_handle_usage(handle), 0, right, error, ret_error);
}

struct cf_usage *cf_usage_enter_any(void)
{
    LONG ignored;
    for (uint32_t i = 0; i < CF_USAGES_PER_PROCESS; i++) {
        struct cf_usage *u = enter(i, 0, true, 0, &ignored);
        if (u != NULL && !cf_usage_hung_up(u))
            return u;
        if (u != NULL)
            cf_usage_leave(u);
    }
    return NULL;
}

void cf_usage_leave(struct cf_usage *u)
{
    uint32_t before;
    do {
        before = cf_load_relaxed_32(&u->users);
    } while (
        !cf_cas_acq_rel_32(&u->users, before, before - 1)); /* U1: our reads are done; pairs with U1 in await_users() */
    if (cf_unlikely(before == 1 && !cf_generation_live(cf_load_acquire_32(&u->life))))
        cf_futex_wake(&u->users, 1);
}

bool cf_usage_closing(const struct cf_usage *u)
{
    return !cf_generation_live(cf_load_acquire_32(&u->life));
}

bool cf_usage_hung_up(struct cf_usage *u)
{
    if (cf_load_acquire_32(&u->gone) != 0)
        return true;
    struct pollfd p = {.fd = u->socket, .events = POLLRDHUP};
    if (poll(&p, 1, 0) <= 0)
        return false;
    cf_store_release_32(&u->gone, 1);
    return true;
}

/* ------------------------------------------------------------------ fork */

/*
 * In the child: the parent's threads, mappings (MADV_DONTFORK) and usages do not exist. Its descriptors are copies, closed so that
 * the service sees the parent's end when it comes. Private memory of the tables stays allocated: a thread of the parent may
 * have been changing it.
 */
static void child_after_fork(void)
{
    pthread_mutex_init(&registry_lock, NULL);
    live_count = 0;
    for (uint32_t i = 0; i < CF_USAGES_PER_PROCESS; i++) {
        struct cf_usage *u = &usages[i];
        uint32_t high = u->generation_high;
        if (u->claimed) {
            u->down = NULL;
            u->up = NULL;
            cf_detach(u);
            high = u->life > high ? u->life : high;
            high = u->line_generation_max > high ? u->line_generation_max : high;
            high = u->consumer.generation_max > high ? u->consumer.generation_max : high;
        }
        memset(u, 0, sizeof *u);
        u->generation_high = high;
    }
}

static void registry_init(void)
{
    pthread_atfork(NULL, NULL, child_after_fork);
}

/* ------------------------------------------------------------------ private memory */

static void *provide_segment(size_t bytes, void *arg)
{
    void *memory;
    (void)arg;
    return cf_memory_anonymous(bytes, false, &memory) == 0 ? memory : NULL;
}

static void free_segments(uint64_t *segments, uint32_t count, size_t bytes)
{
    for (uint32_t i = 0; segments != NULL && i < count; i++)
        if (segments[i] != 0)
            cf_memory_unmap((void *)(uintptr_t)segments[i], bytes);
    free(segments);
}

static void tables_free(struct cf_usage *u)
{
    free_segments(u->line_segments, cf_handle_table_segments(CF_OPEN_LINES_MAX, CF_LINE_SEGMENT_SHIFT),
                  sizeof(struct cf_line_slot) << CF_LINE_SEGMENT_SHIFT);
    free_segments(u->call_segments, cf_handle_table_segments(CF_HANDLES_PER_APP_MAX, CF_CALL_SEGMENT_SHIFT),
                  sizeof(struct cf_call_slot) << CF_CALL_SEGMENT_SHIFT);
    free(u->lines_head);
    free(u->calls_head);
    free(u->outstanding);
    free(u->gatherings);
    u->line_segments = u->call_segments = NULL;
    u->lines_head = u->calls_head = NULL;
    u->outstanding = NULL;
    u->gatherings = NULL;
    u->gatherings_used = u->gatherings_live = 0;
}

static bool tables_new(struct cf_usage *u, uint32_t base_generation)
{
    u->line_segments = calloc(cf_handle_table_segments(CF_OPEN_LINES_MAX, CF_LINE_SEGMENT_SHIFT), sizeof(uint64_t));
    u->call_segments =
        calloc(cf_handle_table_segments(CF_HANDLES_PER_APP_MAX, CF_CALL_SEGMENT_SHIFT), sizeof(uint64_t));
    u->lines_head = aligned_alloc(64, sizeof *u->lines_head);
    u->calls_head = aligned_alloc(64, sizeof *u->calls_head);
    u->outstanding = calloc(CF_REQUESTS_PER_PORT_MAX, sizeof *u->outstanding);
    u->gatherings = calloc(CF_REQUESTS_PER_PORT_MAX, sizeof *u->gatherings);
    if (u->line_segments == NULL || u->call_segments == NULL || u->lines_head == NULL || u->calls_head == NULL ||
        u->outstanding == NULL || u->gatherings == NULL) {
        tables_free(u);
        return false;
    }
    cf_handle_table_format(u->lines_head, NULL, CF_OPEN_LINES_MAX, base_generation);
    cf_handle_table_view_segments(&u->lines, u->lines_head, u->line_segments, CF_LINE_SEGMENT_SHIFT,
                                  sizeof(struct cf_line_slot), provide_segment, NULL);
    cf_handle_table_format(u->calls_head, NULL, CF_HANDLES_PER_APP_MAX, base_generation);
    cf_handle_table_view_segments(&u->calls, u->calls_head, u->call_segments, CF_CALL_SEGMENT_SHIFT,
                                  sizeof(struct cf_call_slot), provide_segment, NULL);
    cf_handle_table_set_installed(&u->calls);
    cf_handle_table_set_parents(&u->calls, &u->lines);
    return true;
}

static void free_identities(struct cf_usage *u)
{
    uint32_t segments = cf_handle_table_segments(CF_HANDLES_PER_APP_MAX, CF_CALL_SEGMENT_SHIFT);
    if ((u->flags & CF_INIT_CACHE_IDENTITY) == 0 || u->call_segments == NULL)
        return;
    for (uint32_t i = 0; i < segments; i++) {
        struct cf_call_slot *slots = (struct cf_call_slot *)(uintptr_t)u->call_segments[i];
        for (uint32_t n = 0; slots != NULL && n < UINT32_C(1) << CF_CALL_SEGMENT_SHIFT; n++)
            free(slots[n].identity);
    }
}

/* ------------------------------------------------------------------ beginning */

/* A usage number nobody uses, with everything at rest; NULL: all are taken. */
static struct cf_usage *claim(void)
{
    struct cf_usage *u = NULL;
    pthread_once(&registry_once, registry_init);
    pthread_mutex_lock(&registry_lock);
    for (uint32_t i = 0; i < CF_USAGES_PER_PROCESS && u == NULL; i++)
        if (!usages[i].claimed && usages[i].generation_high < GENERATION_LIMIT) {
            u = &usages[i];
            u->number = i;
            u->socket = u->down_bell = u->up_bell = u->event = u->epoll = -1; /* before a child may find it claimed */
            u->claimed = true;
        }
    pthread_mutex_unlock(&registry_lock);
    return u;
}

static void unclaim(struct cf_usage *u)
{
    pthread_mutex_lock(&registry_lock);
    cf_store_relaxed_32(&u->reinit_told, 0);
    u->claimed = false;
    pthread_mutex_unlock(&registry_lock);
}

/* H-73: some usage of that service was told that it has gone, and stands still. */
static bool reinit_awaited(const char *path)
{
    bool awaited = false;
    pthread_mutex_lock(&registry_lock);
    for (uint32_t i = 0; i < CF_USAGES_PER_PROCESS && !awaited; i++)
        awaited = usages[i].claimed && cf_load_acquire_32(&usages[i].reinit_told) != 0 && /* RT0 */
                  strncmp(usages[i].path, path, sizeof usages[i].path) == 0;
    pthread_mutex_unlock(&registry_lock);
    return awaited;
}

static void usage_init(struct cf_usage *u)
{
    pthread_mutex_init(&u->up_lock, NULL);
    pthread_mutex_init(&u->down_lock, NULL);
    cf_store_relaxed_32(&u->gone, 0);
    u->down = NULL;
    u->up = NULL;
    u->request_sequence = 0;
    u->reply_free = UINT64_MAX;
    u->request_serial = u->request_cursor = 0;
    u->line_generation_max = 0;
    u->calls_end = 0;
}

static void usage_ready(struct cf_usage *u)
{
    const struct cf_port_header *h = &u->down->header;
    u->down_mask = h->down_slots - 1;
    u->requests_max = cf_port_requests_max(h->down_slots); /* a power of two, as the slots are */
    u->down_slots = cf_port_down_ring(u->down, h->reply_slots);
    cf_ring_producer_init(&u->producer, cf_port_up_ring(u->up), h->up_slots, &u->down->up.up_ack, 0);
    cf_receive_init(u);
}

static LONG ask_devices(struct cf_usage *u, DWORD *ret_devs_count)
{
    struct cf_reply_devices devices;
    struct cf_answer_to to = {.data = &devices, .bytes = sizeof devices};
    struct cf_record r;
    cf_request_init(&r, CF_REQ_DEVICES, 0, CF_INDEX_NONE);
    LONG error = cf_request_sync(u, &r, &to);
    if (error == 0)
        *ret_devs_count = devices.devices;
    return error;
}

/* Waits until nobody is inside any more: everybody who sleeps was woken and finds the usage closing. */
static void await_users(struct cf_usage *u)
{
    for (;;) {
        uint32_t inside = cf_load_acquire_32(&u->users); /* U1 pairs with U1 in cf_usage_leave() */
        if (inside == 0)
            return;
        cf_request_wake_all(u);
        cf_futex_wait(&u->users, inside, 1000000);
    }
}

struct start {
    LINECALLBACK callback;
    const char *name;
    DWORD api_version;
    uint32_t flags;
    int64_t spin_ns, reply_spin_ns;
    struct cf_attach attach;
};

static LONG usage_start(struct cf_usage *u, struct start *s, HLINEAPP *ret_app, DWORD *ret_devs_count)
{
    uint32_t base = (u->generation_high + 1) & ~UINT32_C(1);
    s->attach.usage = u->number;
    s->attach.base_generation = base;
    snprintf(u->path, sizeof u->path, "%s", s->attach.path);
    u->callback = s->callback;
    u->api_version = s->api_version;
    u->flags = s->flags;
    u->spin_ns = s->spin_ns;
    u->reply_spin_ns = s->reply_spin_ns;
    usage_init(u);
    if (!tables_new(u, base))
        return LINEERR_NOMEM;
    LONG error = cf_attach(u, &s->attach);
    if (error != 0)
        goto free_tables;
    usage_ready(u);
    /* Synchronous requests leave when a usage is closing; this one is not live before it is initialised. */
    cf_store_release_32(&u->life, base + 1);
    error = ask_devices(u, ret_devs_count);
    if (error != 0)
        goto detach;
    u->generation_high = base + 1;
    cf_add_relaxed_32(&live_count, 1);
    *ret_app = cf_handle_of_usage(u->number, 0, CF_KIND_USAGE, base + 1);
    return 0;

detach:
    u->generation_high = base + 1;
    cf_store_release_32(&u->life, base + 2);
    cf_fence_store_load(); /* U0: who holds a handle of a former life may have come in */
    await_users(u);
    cf_detach(u);
free_tables:
    tables_free(u);
    return error;
}

/* ------------------------------------------------------------------ arguments */

static bool utf8_valid(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    while (*p != 0) {
        uint32_t more = *p < 0x80                 ? 0
                        : *p >= 0xC2 && *p < 0xE0 ? 1
                        : *p >= 0xE0 && *p < 0xF0 ? 2
                        : *p >= 0xF0 && *p < 0xF5 ? 3
                                                  : 4;
        if (more == 4)
            return false;
        for (p++; more != 0; more--, p++)
            if ((*p & 0xC0) != 0x80)
                return false;
    }
    return true;
}

static LONG check_name(const char **name)
{
    if (*name == NULL)
        *name = program_invocation_short_name;
    else if (**name == '\0' || strnlen(*name, CF_NAME_MAX) == CF_NAME_MAX)
        return LINEERR_INVALAPPNAME;
    return utf8_valid(*name) ? 0 : LINEERR_INVALAPPNAME;
}

static LONG check_params(const LINEINITIALIZEEXPARAMS *p, LINECALLBACK callback)
{
    if (p == NULL)
        return 0;
    if (p->dwTotalSize < sizeof *p)
        return LINEERR_STRUCTURETOOSMALL;
    if (p->dwOptions == LINEINITIALIZEEXOPTION_USEHIDDENWINDOW)
        return callback != NULL ? 0 : LINEERR_INVALPARAM;
    return p->dwOptions == LINEINITIALIZEEXOPTION_USEEVENT ? 0 : LINEERR_INVALPARAM;
}

static uint32_t round_up_power_of_two(uint32_t n)
{
    uint32_t p = 1;
    while (p < n && p < UINT32_C(1) << 30)
        p <<= 1;
    return p;
}

/* A time of the options: 0 is the default, CF_INIT_NONE is none. */
static int64_t option_ns(uint32_t us, int64_t default_ns)
{
    return us == 0 ? default_ns : us == CF_INIT_NONE ? 0 : (int64_t)us * 1000;
}

static LONG take_options(const struct cf_init_options *given, struct start *s)
{
    struct cf_init_options o = {0};
    if (given != NULL) {
        if (given->size < offsetof(struct cf_init_options, socket_path) || given->size > sizeof o)
            return LINEERR_INVALPARAM;
        memcpy(&o, given, given->size);
    }
    if ((o.flags & ~CF_INIT_CACHE_IDENTITY) != 0 || o.ring_bytes > UINT32_C(1) << 30)
        return LINEERR_INVALPARAM;
    const char *environment = getenv("CALLFAN_SOCKET");
    s->attach.path = o.socket_path != NULL                         ? o.socket_path
                     : environment != NULL && *environment != '\0' ? environment
                                                                   : CF_DEFAULT_SOCKET;
    s->attach.ring_bytes = o.ring_bytes == 0 ? 0 : round_up_power_of_two(o.ring_bytes);
    s->attach.wake_interval_us = o.wake_interval_us == 0              ? UINT32_MAX
                                 : o.wake_interval_us == CF_INIT_NONE ? 0
                                                                      : o.wake_interval_us;
    s->flags = o.flags;
    s->spin_ns = option_ns(o.spin_us, 0); /* a waiting application leaves the processor to others */
    s->reply_spin_ns = option_ns(o.spin_us, CF_REPLY_SPIN_NS_DEFAULT);
    return 0;
}

LONG cf_line_initialize(HLINEAPP *ret_app, LINECALLBACK callback, const char *app_name, DWORD *ret_devs_count,
                        DWORD *api_version, LINEINITIALIZEEXPARAMS *params, const struct cf_init_options *options)
{
    struct start s = {.callback = callback};
    if (ret_app == NULL || ret_devs_count == NULL || api_version == NULL)
        return LINEERR_INVALPOINTER;
    LONG error = check_params(params, callback);
    if (error == 0)
        error = check_name(&app_name);
    if (error == 0)
        error = take_options(options, &s);
    if (error != 0)
        return error;
    s.attach.name = app_name;
    s.api_version = *api_version;
    if (cf_version_common(CF_TAPI_VERSION_1_3, *api_version) == 0)
        return LINEERR_INCOMPATIBLEAPIVERSION;
    if (reinit_awaited(s.attach.path))
        return LINEERR_REINIT;
    struct cf_usage *u = claim();
    if (u == NULL)
        return LINEERR_RESOURCEUNAVAIL;
    error = usage_start(u, &s, ret_app, ret_devs_count);
    if (error != 0) {
        unclaim(u);
        return error;
    }
    *api_version = TAPI_CURRENT_VERSION;
    if (params != NULL) {
        params->dwNeededSize = params->dwUsedSize = sizeof *params;
        params->Handles.hEvent = u->epoll;
    }
    return 0;
}

LONG lineInitializeEx(HLINEAPP *lphLineApp, void *hInstance, LINECALLBACK lpfnCallback, const char *lpszFriendlyAppName,
                      DWORD *lpdwNumDevs, DWORD *lpdwAPIVersion, LINEINITIALIZEEXPARAMS *lpLineInitializeExParams)
{
    (void)hInstance;
    return cf_line_initialize(lphLineApp, lpfnCallback, lpszFriendlyAppName, lpdwNumDevs, lpdwAPIVersion,
                              lpLineInitializeExParams, NULL);
}

/* ------------------------------------------------------------------ end */

static void remember_generations(struct cf_usage *u)
{
    uint32_t high = u->life;
    if (u->line_generation_max > high)
        high = u->line_generation_max;
    if (u->consumer.generation_max > high)
        high = u->consumer.generation_max;
    u->generation_high = high;
}

LONG lineShutdown(HLINEAPP hLineApp)
{
    LONG error;
    struct cf_usage *u = cf_usage_enter_app(hLineApp, &error);
    if (u == NULL)
        return error;
    uint32_t life = cf_handle_generation(hLineApp);
    if (!cf_cas_acq_rel_32(&u->life, life, life + 1)) { /* U0: life before users are read; pairs with U0 in enter() */
        cf_usage_leave(u);
        return LINEERR_INVALAPPHANDLE;
    }
    cf_fence_store_load(); /* U0 */
    cf_add_relaxed_32(&live_count, UINT32_MAX);
    cf_receive_shut(u);
    cf_usage_leave(u);
    await_users(u);
    struct cf_record r;
    cf_request_init(&r, CF_REQ_SHUTDOWN, 0, CF_INDEX_NONE);
    cf_request_silent(u, &r, true);
    remember_generations(u);
    cf_detach(u);
    free_identities(u);
    free(u->consumer.text);
    u->consumer.text = NULL;
    tables_free(u);
    unclaim(u);
    return 0;
}
