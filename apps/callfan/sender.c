#include "apps/callfan/sender.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sim/journal.h"

static struct cf_sender_call *call_of(struct cf_sender *s, const struct cf_sim_journal_entry *e)
{
    uint64_t index;
    if (cf_tool_map_get(&s->by_serial, e->serial, &index))
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
    *c = (struct cf_sender_call){
        .serial = e->serial, .first_ns = e->time_ns, .origin = (uint64_t)s->journals_count << 32 | e->line};
    cf_tool_map_put(&s->by_serial, e->serial, s->calls_count);
    return c;
}

/* One entry of the journal. The file is another program's: what is no state is refused. */
static bool add(struct cf_sender *s, const struct cf_sim_journal_entry *e)
{
    struct cf_sender_call *c = call_of(s, e);
    if ((e->flags & (CF_JOURNAL_REFUSED | CF_JOURNAL_UNSENT)) != 0)
        c->refused = true;
    if ((e->flags & CF_JOURNAL_OUTGOING) != 0)
        c->dialled = true;
    if ((e->flags & (CF_JOURNAL_REFUSED | CF_JOURNAL_UNSENT | CF_JOURNAL_CLOSED)) != 0)
        return true;
    if ((e->state & 0x00FFFFFF) == 0 || e->time_ns < c->first_ns)
        return false;
    s->events++;
    if (c->count == CF_VIEW_STATES_MAX) {
        c->too_long = true;
        return true;
    }
    c->after_us[c->count] = (uint32_t)((e->time_ns - c->first_ns) / 1000);
    c->state[c->count++] =
        (uint16_t)(cf_view_code(e->state, e->mode) | ((e->flags & CF_JOURNAL_WAITED) != 0 ? CF_SENDER_MAY_MISS : 0));
    return true;
}

static bool read_entries(struct cf_sender *s, FILE *f, const char *path)
{
    struct cf_sim_journal_header h;
    struct cf_sim_journal_entry e;
    int first = getc(f);
    if (first == EOF && feof(f))
        return true;
    ungetc(first, f);
    if (fread(&h, sizeof h, 1, f) != 1 || h.magic != CF_SIM_JOURNAL_MAGIC || h.version != CF_SIM_JOURNAL_VERSION ||
        h.entry_bytes != sizeof e) {
        fprintf(stderr, "callfan check: %s is no record of callfan-sim\n", path);
        return false;
    }
    for (uint64_t number = 1; fread(&e, sizeof e, 1, f) == 1; number++)
        if (!add(s, &e)) {
            fprintf(stderr, "callfan check: %s: entry %" PRIu64 " is none\n", path, number);
            return false;
        }
    return true;
}

static bool read_file(struct cf_sender *s, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        fprintf(stderr, "callfan check: %s: %s\n", path, strerror(errno));
        return false;
    }
    s->journals_count++;
    bool good = read_entries(s, f, path);
    fclose(f);
    return good;
}

bool cf_sender_read(struct cf_sender *s, const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return read_file(s, path);
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        char file[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        good = read_file(s, file);
    }
    closedir(folder);
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
