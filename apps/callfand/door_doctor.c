/* Who asks for an inspection: one after another, since each may ask for another age of calls. */
#include "apps/callfand/door.h"

#include <time.h>
#include <unistd.h>

#define DOCTOR_NS INT64_C(120000000000) /* until its inspection was made and told */
#define MS_NS     INT64_C(1000000)

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool cf_door_doctor_allows(const struct cf_hello *hello, const struct cf_peer *peer)
{
    return (hello->doctor_flags & CF_HELLO_DOCTOR_FULL) == 0 || peer->uid == 0 || peer->uid == getuid();
}

void cf_door_doctor_hear(struct cf_door *door, struct cf_visitor *visitor, const struct cf_hello *hello)
{
    visitor->state = CF_VISITOR_WAITS;
    visitor->deadline_ns = now_ns() + DOCTOR_NS;
    visitor->doctor = true;
    visitor->doctor_flags = hello->doctor_flags;
    visitor->doctor_older_ms = hello->doctor_older_ms;
    cf_door_doctor_work(door);
}

static struct cf_visitor *whose(const struct cf_door *door)
{
    for (uint32_t i = 0; i < door->start->config->hellos_max; i++)
        if (door->visitors[i].inspected)
            return &door->visitors[i];
    return NULL;
}

static void begin(struct cf_door *door, struct cf_visitor *v)
{
    /* Half of what makes the keeper abort a core, though the counter moves: this is for those who wait for events. */
    int64_t stand_ns_max = (int64_t)door->settings.hang_seconds * 1000 * MS_NS / 2;
    struct cf_record r =
        cf_link_record(CF_LINK_INSPECT, v->doctor_flags & CF_HELLO_DOCTOR_FULL, (uint64_t)stand_ns_max);
    r.m.param2 = (uint64_t)v->doctor_older_ms * (uint64_t)MS_NS;
    v->inspected = true;
    door->inspecting = true;
    cf_link_tell_engine(door->link, &r);
}

void cf_door_doctor_work(struct cf_door *door)
{
    if (door->inspecting || whose(door) != NULL)
        return;
    for (uint32_t i = 0; i < door->start->config->hellos_max; i++) {
        if (door->visitors[i].state == CF_VISITOR_WAITS) {
            begin(door, &door->visitors[i]);
            return;
        }
    }
}

void cf_door_doctor_inspected(struct cf_door *door)
{
    struct cf_visitor *v = whose(door);
    door->inspecting = false;
    if (v != NULL)
        v->state = CF_VISITOR_ASKS; /* the loop asks for the snapshot */
}
