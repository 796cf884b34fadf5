/*
 * The parser of the simulator's scripts over any bytes: it takes them or says what is wrong, and what it takes keeps its bounds.
 */
#include "adapters/sim/script.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sim/reactions.h"
#include "callfan/tapi_const.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A text of an event lies within the script's own copy. */
static void check_text(const struct cf_script *s, size_t size, struct cf_text t)
{
    if (t.bytes == 0)
        return;
    if (t.at < s->text || t.at + t.bytes > s->text + size || memchr(t.at, '\n', t.bytes) != NULL)
        abort();
}

/* A command that is known, and of the calls that it makes no two with one number. */
static void check_order(const struct cf_script_event *e)
{
    const struct cf_sim_reaction *r = cf_sim_reaction_find(e->command, LINETRANSFERMODE_CONFERENCE);
    if (r == NULL || e->reaction > CF_SCRIPT_FAIL)
        abort();
    for (uint32_t i = 0; i < 2; i++)
        if (e->made[i] != CF_SCRIPT_CALL_NONE && (e->made[i] >= CF_SCRIPT_CALLS_MAX || i >= r->makes))
            abort();
    if (e->made[0] != CF_SCRIPT_CALL_NONE && e->made[0] == e->made[1])
        abort();
}

static void check_event(const struct cf_script *s, size_t size, uint32_t i)
{
    const struct cf_script_event *e = &s->events[i];
    const struct cf_text texts[] = {e->caller, e->caller_name, e->called, e->called_name, e->redirecting, e->cause};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        check_text(s, size, texts[k]);
    if (e->at_ns < 0 || (i != 0 && e->at_ns < s->events[i - 1].at_ns))
        abort();
    if (e->call != CF_SCRIPT_CALL_NONE && e->call >= CF_SCRIPT_CALLS_MAX)
        abort();
    if (e->parent != CF_SCRIPT_CALL_NONE && (e->parent >= CF_SCRIPT_CALLS_MAX || e->kind != CF_SCRIPT_STATE))
        abort();
    if (e->kind == CF_SCRIPT_ON)
        check_order(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_script s;
    char why[160] = "";
    int rc = cf_script_parse(&s, (const char *)data, size, why, sizeof why);
    if (rc < 0) {
        if (why[0] == '\0')
            abort(); /* an error without a word */
        return 0;
    }
    if (s.events_count > CF_SCRIPT_EVENTS_MAX || s.lines > CF_LINES_MAX)
        abort();
    for (uint32_t i = 0; i < s.events_count; i++)
        check_event(&s, size, i);
    cf_script_fini(&s);
    return 0;
}
