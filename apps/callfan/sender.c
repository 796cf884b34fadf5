#include "apps/callfan/sender.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cf_sender_call *call_of(struct cf_sender *s, uint64_t serial, int64_t time_ns)
{
    uint64_t index;
    if (cf_tool_map_get(&s->by_serial, serial, &index))
        return &s->calls[index - 1];
    if (s->calls_count == s->calls_room) {
        s->calls_room = s->calls_room == 0 ? 4096 : s->calls_room * 2;
        s->calls = realloc(s->calls, s->calls_room * sizeof *s->calls);
        if (s->calls == NULL) {
            fprintf(stderr, "callfan check: no memory for %zu calls\n", s->calls_room);
            exit(EXIT_FAILURE);
        }
    }
    struct cf_sender_call *c = &s->calls[s->calls_count++];
    *c = (struct cf_sender_call){.serial = serial, .first_ns = time_ns};
    cf_tool_map_put(&s->by_serial, serial, s->calls_count);
    return c;
}

static void add(struct cf_sender *s, uint64_t serial, int64_t time_ns, DWORD state, DWORD mode)
{
    struct cf_sender_call *c = call_of(s, serial, time_ns);
    s->events++;
    if (c->count == CF_VIEW_STATES_MAX) {
        c->too_long = true;
        return;
    }
    c->after_us[c->count] = (uint32_t)((time_ns - c->first_ns) / 1000);
    c->state[c->count++] = cf_view_code(state, mode);
}

/* "TIME_NS SERIAL STATE MODE", numbers; STATE 0: the core refused the call. */
static bool parse(struct cf_sender *s, const char *line)
{
    uint64_t serial;
    int64_t time_ns;
    uint32_t state, mode;
    if (sscanf(line, "%" SCNd64 " %" SCNu64 " %" SCNx32 " %" SCNx32, &time_ns, &serial, &state, &mode) != 4 ||
        serial == 0)
        return false;
    if (state == 0)
        call_of(s, serial, time_ns)->refused = true;
    else
        add(s, serial, time_ns, state, mode);
    return true;
}

bool cf_sender_read(struct cf_sender *s, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        fprintf(stderr, "callfan check: %s: %s\n", path, strerror(errno));
        return false;
    }
    char line[256];
    uint64_t number = 0;
    bool good = true;
    while (good && fgets(line, sizeof line, f) != NULL) {
        number++;
        if (strchr(line, '\n') == NULL)
            break; /* the last line was cut */
        if (line[0] != '#' && !parse(s, line)) {
            fprintf(stderr, "callfan check: %s:%" PRIu64 ": not a line of a record\n", path, number);
            good = false;
        }
    }
    fclose(f);
    return good;
}

void cf_sender_fini(struct cf_sender *s)
{
    free(s->calls);
    cf_tool_map_fini(&s->by_serial);
    *s = (struct cf_sender){0};
}

const struct cf_sender_call *cf_sender_find(const struct cf_sender *s, uint64_t serial)
{
    uint64_t index;
    return cf_tool_map_get(&s->by_serial, serial, &index) ? &s->calls[index - 1] : NULL;
}
